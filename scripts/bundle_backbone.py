"""Make src/imagewise/backbones/mobilenet_v2_035.safetensors again: the published weights as float16.

    IMAGEWISE_WEIGHTS=FOLDER python scripts/bundle_backbone.py [OUT]

FOLDER holds the published file that catalog.toml names; its SHA-256 is checked. Prints the SHA-256 of what it wrote.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from imagewise.backbones.catalog import entry
from imagewise.backbones.published import fetch
from imagewise.backbones.weights_file import read_weights

NAME = "mobilenet_v2_035"


def main(out: Path) -> None:
    """Read the published file, and write it rounded to float16."""
    published, bundled = entry(NAME).files
    source = fetch(entry(NAME), offline=True)
    if source.name != published.name:
        raise SystemExit(f"IMAGEWISE_WEIGHTS names no folder that holds {published.name}")
    tensors = {name: value.astype(np.float16) for name, value in sorted(read_weights(source).items())}
    content = save(tensors, metadata={"source_sha256": str(published.sha256)})
    out.write_bytes(content)
    print(f"{out}: {len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()} (catalog: {bundled.sha256})")


if __name__ == "__main__":
    package = Path(__file__).parent.parent / "src" / "imagewise" / "backbones"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else package / entry(NAME).files[-1].name)
