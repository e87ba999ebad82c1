"""Constants of the tone that `render`, for single meshes, and `depth_images`, for whole batches, have in common."""

CUT = 0.6
"""Depth below the stroke tops at which a surface is ground, as a share of the relief's depth; darkness is the square of
the remaining share."""
WORN = 0.3
"""Largest depth to which wear may lower a top without it counting as ground, as a share of the relief's depth."""
REACH = 0.08
"""Width of the window in which tops are searched for, as a share of the picture's width: some two strokes."""
PERCENTILES = (10, 95)
"""Percentiles of the heights between which the relief's depth is measured."""
SOFT = 3 / 256
"""Width of the blur of the heights, as a share of the picture's width."""
