"""Fetch free fonts of Debian: `python -m benchmarks.handwriting.font_packages` (Debian or Ubuntu; no root needed).

The packages are unpacked into imagewise's cache, not installed, so that the system's own choice of fonts stays as it
was. Only building the digit model and judging it need them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from imagewise.paths import cache_dir

PACKAGES = tuple(
    """
3270 adf-accanthis adf-baskervald adf-berenis adf-gillius adf-ikarius adf-irianis adf-libris adf-mekanus adf-romande
adf-solothurn adf-tribun adf-universalis agave allerta anonymous-pro arapey averia-gwf averia-sans-gwf averia-serif-gwf
b612 bebas-neue beteckna breip bwht cabin cantarell cardo clear-sans comfortaa comic-neue courier-prime
crosextra-caladea crosextra-carlito dancingscript dejavu-core dejavu-extra dkg-handwriting dosis dseg dustin ebgaramond
ecolier-court engadget essays1743 eurofurence fantasque-sans fanwood firacode freefont-ttf georgewilliams
gfs-artemisia gfs-baskerville gfs-bodoni-classic gfs-didot gfs-neohellenic gnutypewriter go goudybookletter
hack havana hermit humor-sans inconsolata inter isabella jetbrains-mono junction junicode jura karla kaushanscript klee
kristi lato league-mono league-spartan levien-museum levien-typoscript liberation lindenhill linex linuxlibertine
lmodern lobster manrope monofur mononoki national-park noto-mono ocr-a ocr-b okolaks oldstandard open-sans opendin
opendyslexic osifont oxygen paratype play prociono quattrocento quicksand radisnoir roadgeek roboto-slab
roboto-unhinted routed-gothic rufscript sil-andika sil-charis sil-gentium sil-gentium-basic sjfonts sora
staypuft stick stix summersby texgyre tiresias tomsontalks tuffy unifont urw-base35 vollkorn yanone-kaffeesatz
yusei-magic
""".split()  # noqa: SIM905
)


def fonts_dir() -> Path:
    """The folder with a folder for each package; it need not exist."""
    return cache_dir("fonts")


def main() -> None:
    """Fetch and unpack the packages that are not there yet."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        sys.exit("font_packages.py: these fonts are Debian's. Run this on Debian or Ubuntu.")
    folder = fonts_dir()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [name for name in (f"fonts-{short}" for short in PACKAGES) if not (folder / name).exists()]
    with tempfile.TemporaryDirectory() as name:
        if wanted and subprocess.run(["apt-get", "download", *wanted], cwd=name, check=False).returncode:
            sys.exit("font_packages.py: apt-get downloads these packages only together. Run `apt-get update` first.")
        for archive in Path(name).glob("*.deb"):
            package = archive.name.split("_")[0]
            subprocess.run(["dpkg-deb", "-x", archive, folder / f"{package}.partial"], check=True)
            (folder / f"{package}.partial").rename(folder / package)
    print(f"{len(list(folder.iterdir()))} packages in {folder}")


if __name__ == "__main__":
    main()
