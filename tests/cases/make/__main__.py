"""Makes every case folder anew: python3 tests/cases/make FOLDER"""

import pathlib
import sys

from case import CASES

THEMES = [path.stem for path in sorted(pathlib.Path(__file__).parent.glob("theme_*.py"))]


def main(folder):
    """Writes all cases into `folder`, which must not hold any of them yet."""
    for theme in THEMES:
        __import__(theme)
    for name, (case, make) in CASES.items():
        make(case)
        case.check()
        case.write(folder / name)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
