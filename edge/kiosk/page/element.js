/**
 * Builds and renews parts of the page from plain values. Text goes in as text and nothing else, so
 * what a model or a message holds can never become markup.
 */

const SVG = "http://www.w3.org/2000/svg";

/** An element to be: `children` are such values or strings. */
export function element(tag, attributes = {}, ...children) {
  return { tag, attributes, children: children.flat().filter((child) => child !== null) };
}

/** A picture from the sheet of icons in index.html; it says nothing that text does not say too. */
export function icon(name) {
  const use = { tag: "use", attributes: { href: `#icon-${name}` }, children: [], isSvg: true };
  const attributes = { class: "icon", "aria-hidden": "true", "data-icon": name };
  return { tag: "svg", attributes, children: [use], isSvg: true };
}

/**
 * Make the children of a node be those described; what fits already stays, and with it the focus,
 * the scroll position and a screen reader's place.
 */
export function renew(parent, ...wanted) {
  const children = wanted.flat().filter((child) => child !== null);
  children.forEach((child, place) => {
    const before = parent.childNodes[place];
    if (before === undefined) parent.append(create(child));
    else if (fits(before, child)) update(before, child);
    else before.replaceWith(create(child));
  });
  while (parent.childNodes.length > children.length) parent.lastChild.remove();
}

function fits(node, wanted) {
  if (typeof wanted === "string") return node.nodeType === Node.TEXT_NODE;
  return node.nodeType === Node.ELEMENT_NODE && node.localName === wanted.tag;
}

function create(wanted) {
  if (typeof wanted === "string") return document.createTextNode(wanted);
  const node = wanted.isSvg
    ? document.createElementNS(SVG, wanted.tag)
    : document.createElement(wanted.tag);
  update(node, wanted);
  return node;
}

function update(node, wanted) {
  if (typeof wanted === "string") {
    if (node.data !== wanted) node.data = wanted;
    return;
  }
  for (const name of node.getAttributeNames()) {
    if (name !== "style" && !(name in wanted.attributes)) node.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(wanted.attributes)) {
    if (name === "share") setShare(node, value);
    else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
  renew(node, ...wanted.children);
}

/** The length of a bar, 0 to 1: a custom property, since inline styles are not allowed. */
function setShare(node, share) {
  const value = Math.min(Math.max(share, 0), 1).toFixed(4);
  if (node.style.getPropertyValue("--share") !== value) node.style.setProperty("--share", value);
}
