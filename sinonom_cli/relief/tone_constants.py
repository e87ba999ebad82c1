"""How heights become darkness: what `render`, mesh by mesh, and `depth_images`, for whole batches, agree on."""

CUT = 0.6
"""How far below the stroke tops a surface is ground, as a share of the relief's depth; darkness falls by
squares."""
WORN = 0.3
"""How far wear may lower a top before it is taken for ground, as a share of the relief's depth."""
REACH = 0.08
"""Width of the window that tops are looked for in, as a share of the picture's width: some two strokes."""
PERCENTILES = (10, 95)
"""Between these percentiles of the heights lies the relief's depth."""
SOFT = 3 / 256
"""Width of the blur of the heights, as a share of the picture's width."""
