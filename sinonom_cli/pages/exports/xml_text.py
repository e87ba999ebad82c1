"""Write XML elements as text: UTF-8, indented, without what XML 1.0 does not allow."""

from __future__ import annotations

import re
from collections.abc import Collection
from xml.etree.ElementTree import Element, indent, tostring

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 document may hold; bytes of file names that are not UTF-8 are among them."""


def as_text(root: Element, mixed: Collection[str] = ()) -> str:
    """Return an XML document.

    Parameters
    ----------
    root : its root element; texts are cleaned in place.
    mixed : tags of elements in which white space counts, which are not indented inside.
    """
    for element in root.iter():
        if element.text:
            element.text = _NOT_XML.sub("\ufffd", element.text)
        for name, value in element.attrib.items():
            element.set(name, _NOT_XML.sub("\ufffd", value))
    kept = [(element, list(element)) for element in root.iter() if element.tag in mixed]
    for element, children in kept:
        for child in children:
            element.remove(child)
    indent(root, " ")
    for element, children in kept:
        element.extend(children)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"
