// The pretrained network in a model, from the model's card: its name, the licence of its weights, what to cite.

import { element } from "./dom.js";

/** Name of the network: of the pretrained one, else of the recipe's architecture; null if the card has neither. */
export function networkName({ backbone, recipe }) {
  if (backbone) return `${backbone.title ?? backbone.name} (pretrained)`;
  return recipe?.network?.name ?? null;
}

/** Rows of `factList` about the pretrained network; none without one. */
export function backboneRows({ backbone }) {
  if (!backbone) return [];
  return [
    ["Pretrained weights", linkTo(backbone.name, backbone.source)],
    ["Licence of the weights", backbone.licence ?? "not in the file"],
    ["Citation", backbone.citation ?? null],
  ];
}

/** A name with a link, if the card has a web address: anybody may have written the card. */
function linkTo(name, address) {
  return address?.startsWith("https://") ? element("a", name, { href: address, rel: "noreferrer" }) : name;
}
