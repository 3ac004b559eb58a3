import subprocess
import sys


def main() -> int:
    """Run `pip install gullwing[plot]` first if you want pictures."""
    return subprocess.call([sys.executable, "-m", "gullwing.plot", *sys.argv[1:]])
