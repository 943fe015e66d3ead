// Elements, made one by one. Nothing here reads markup, so nothing that others wrote can become any.

const SVG = "http://www.w3.org/2000/svg";
const TAGS = new Set(
  "p br ul ol li strong em code pre blockquote hr h4 table thead tbody tr th td mark".split(" "),
);
const ICONS = {
  chat: "M4 5.2h12v8.4H9.6L6.2 16.4v-2.8H4z",
  close: "m5.2 5.2 9.6 9.6M14.8 5.2l-9.6 9.6",
  fold: "m5 7.6 5 5 5-5",
  plus: "M10 4.2v11.6M4.2 10h11.6",
  send: "M10 16V4.4M5.2 9 10 4.2 14.8 9",
  stop: "M6 6h8v8H6z",
  back: "M11.8 4.8 6.6 10l5.2 5.2",
  held: "M10 2.8 16 5v4.6c0 3.6-2.4 6.4-6 7.6-3.6-1.2-6-4-6-7.6V5zM8.4 7.8v4.4M11.6 7.8v4.4",
  check: "m4.4 10.6 3.7 3.7 7.5-8.2",
  none: "M8.8 3.4a5.4 5.4 0 1 0 0 10.8 5.4 5.4 0 1 0 0-10.8M12.8 12.8l3.8 3.8M6.6 8.8h4.4",
  alert: "M10 3.2 17.6 16.4H2.4zM10 8.2v3.6M10 14.1v.1",
  up: "M6.4 16.4V8.8l3.3-5.6c1.3 0 2 .9 2 2.2l-.4 2.8h4c1 0 1.6.9 1.4 1.8l-1.2 5.1c-.2.8-.8 1.3-1.6 1.3zM3.4 16.4V8.8",
  down: "M6.4 3.6v7.6l3.3 5.6c1.3 0 2-.9 2-2.2l-.4-2.8h4c1 0 1.6-.9 1.4-1.8l-1.2-5.1c-.2-.8-.8-1.3-1.6-1.3zM3.4 3.6v7.6",
};

/** An element; `on…` are listeners, everything else attributes (our own, never others' words as names). */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child != null && child !== false && child !== ""));
  return made;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 20 20", fill: "none", stroke: "currentColor", "stroke-width": "1.5",
    "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true",
  })) svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button that shows an icon and is called by its name. */
export function iconButton(name, label, onclick, attributes = {}) {
  return el("button", { type: "button", class: "quiet", "aria-label": label, title: label, onclick, ...attributes }, icon(name));
}

/** Server's nested lists, `[tag, child, …]`, as nodes. `cite` makes a source's marker. */
export function nodes(list, cite) {
  return list.map((item) => {
    if (typeof item === "string") return document.createTextNode(item);
    const [tag, ...children] = item;
    if (tag === "cite") return cite(Number(children[0]));
    return TAGS.has(tag) ? el(tag, {}, nodes(children, cite)) : document.createTextNode("");
  });
}

/** Makes `parent` show `now` where it shows `before`, touching only what differs: a screen reader
 *  then hears the sentence that was added, and the focus stays where it is. */
export function patch(parent, before, now, cite) {
  now.forEach((item, n) => {
    const old = before[n];
    if (old !== undefined && JSON.stringify(old) === JSON.stringify(item)) return;
    const [made] = old === undefined ? nodes([item], cite) : [null];
    if (made) parent.append(made);
    else if (Array.isArray(old) && Array.isArray(item) && old[0] === item[0] && item[0] !== "cite") {
      patch(parent.childNodes[n], old.slice(1), item.slice(1), cite);
    } else parent.childNodes[n].replaceWith(...nodes([item], cite));
  });
  while (parent.childNodes.length > now.length) parent.lastChild.remove();
}
