/*
 * Gives what on the page has too little contrast (WCAG 2.2, 1.4.3 and 1.4.11), from the styles as
 * they are rendered. Text needs 4.5, large text 3; icons, and the edges of what can be operated, 3.
 * Backgrounds are laid over one another as far down as they are not opaque; an image, a filter or
 * an opacity below 1 on the way is a fault of its own: nobody could say what is behind the text.
 */
() => {
  const parse = (text) => {
    const [red, green, blue, alpha = 1] = text.match(/[\d.]+/g).map(Number);
    return { rgb: [red, green, blue], alpha };
  };
  const over = (top, below) => top.rgb.map((v, i) => v * top.alpha + below[i] * (1 - top.alpha));
  const light = (rgb) => {
    const [red, green, blue] = rgb.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ratio = (one, other) => {
    const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const faults = [];
  const fault = (node, what) => faults.push(`${node.tagName}.${node.className} ${what}`);

  const behind = (node) => {
    const layers = [];
    for (let each = node; each !== null; each = each.parentElement) {
      const style = getComputedStyle(each);
      if (style.opacity !== "1" || style.filter !== "none" || style.backgroundImage !== "none") {
        fault(each, `opacity ${style.opacity} filter ${style.filter} ${style.backgroundImage}`);
      }
      const layer = parse(style.backgroundColor);
      layers.push(layer);
      if (layer.alpha === 1) break;
    }
    if (layers.at(-1).alpha !== 1) fault(node, "has nothing opaque behind it");
    return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const isSeen = (node) => {
    if (!node.checkVisibility({ visibilityProperty: true })) return false;
    const box = node.getBoundingClientRect();
    return box.width > 1 && box.height > 1;
  };
  // Behind an open dialog nothing is to be read.
  const root = document.querySelector("dialog[open]") ?? document.body;
  let count = 0;
  const check = (node, colour, ground, least, what) => {
    count += 1;
    const found = ratio(over(parse(colour), ground), ground);
    if (found < least) fault(node, `${what}: ${found.toFixed(2)}, not ${least}`);
  };

  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text !== null; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.data.trim() || !isSeen(node)) continue;
    const style = getComputedStyle(node);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    check(node, style.color, behind(node), isLarge ? 3 : 4.5, `text "${text.data.trim()}"`);
  }
  for (const node of root.querySelectorAll("svg")) {
    if (isSeen(node)) check(node, getComputedStyle(node).color, behind(node.parentElement), 3, "icon");
  }
  for (const node of root.querySelectorAll("button, input")) {
    if (!isSeen(node)) continue;
    const outside = behind(node.parentElement);
    const edge = getComputedStyle(node).borderTopColor;
    check(node, edge, outside, 3, `edge of "${node.textContent}"`);
  }
  for (const node of root.querySelectorAll(".bar-fill")) {
    if (isSeen(node.parentElement)) {
      check(node, getComputedStyle(node).backgroundColor, behind(root), 3, "bar");
    }
  }
  return { faults, count };
};
