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
    ["Pretrained weights", linkTo(backbone.source) ?? backbone.name],
    ["Licence of the weights", backbone.licence ?? "not in the file"],
    ["Citation", backbone.citation ?? null],
  ];
}

/** A link where a card names a web address: anybody may have written it. */
function linkTo(address) {
  return address?.startsWith("https://") ? element("a", address, { href: address, rel: "noreferrer" }) : address;
}
