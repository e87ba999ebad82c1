"""Claim: `reading_order` puts the characters of real pages and blocks into the order in which people read them.

PAGES is a folder with `images/{train,val}` and `labels/{train,val}` in YOLO's layout, whose true order is not known.
The order that is found on the boxes as they are is compared with the order after the page is changed: turned by 3
degrees, 5 % of the boxes left out, all sides moved by normally distributed 5 % of a box's size, and all of these.
A stable order is not always right; --draw DIR writes the pages with the order drawn on them, for looking.

BLOCK is a CSV file with the columns x0,y0,x1,y1 and rows in reading order. The figure is the share of neighbours that
are neighbours in the order that was found.

Usage: python benchmarks/order.py [--pages PAGES] [--block BLOCK] [--draw DIR] [--seed 0]
"""
