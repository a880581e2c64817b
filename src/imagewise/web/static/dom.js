// Elements with text, and tables.

export function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** A list of names and values; what is null or undefined is left out, an element is taken as it is. */
export function factList(rows) {
  const list = document.createElement("dl");
  for (const [name, value] of rows) {
    if (value === null || value === undefined) continue;
    const shown = document.createElement("dd");
    shown.append(value);
    list.append(element("dt", name), shown);
  }
  return list;
}

/** A table that scrolls by itself where it is too wide: [what holds it, its body]. */
export function wideTable(caption, heads) {
  const wide = element("div", "", { class: "wide", tabindex: "0", role: "region", "aria-label": caption });
  const made = document.createElement("table");
  const row = made.createTHead().insertRow();
  for (const head of heads) row.append(head ? element("th", head, { scope: "col" }) : element("td"));
  wide.append(made);
  return [wide, made.createTBody()];
}

/** The same, folded away: [what holds it, its body]. */
export function foldedTable(caption, heads, open = false) {
  const [wide, body] = wideTable(caption, heads);
  const details = document.createElement("details");
  details.open = open;
  details.append(element("summary", caption), wide);
  return [details, body];
}

/** A row that begins with its head. */
export function addRow(body, head, cells) {
  const row = body.insertRow();
  row.append(element("th", head, { scope: "row" }));
  for (const cell of cells) row.insertCell().append(cell ?? "–");
  return row;
}
