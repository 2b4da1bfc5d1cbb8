"""A picture for the check."""

import sys
from pathlib import Path

from PIL import Image, ImageDraw

picture = Image.linear_gradient("L").resize((320, 240)).convert("RGB")
ImageDraw.Draw(picture).ellipse((90, 50, 230, 190), fill="#a06040")
picture.save(Path(sys.argv[1]) / "face.png")
