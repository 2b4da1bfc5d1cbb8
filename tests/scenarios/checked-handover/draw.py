"""Two pictures for the checks."""

import sys
from pathlib import Path

from PIL import Image, ImageDraw

for name, colour in (("face", "#a06040"), ("street", "#4060a0")):
    picture = Image.linear_gradient("L").resize((320, 240)).convert("RGB")
    ImageDraw.Draw(picture).ellipse((90, 50, 230, 190), fill=colour)
    picture.save(Path(sys.argv[1]) / f"{name}.png")
