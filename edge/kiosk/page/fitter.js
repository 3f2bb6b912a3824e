/** Chooses the largest letters at which an answer fits its place, for those who stand far away. */

const SIZES = ["large", "medium", "small", "tiny"];

export class Fitter {
  #node;
  #fitted = "";

  constructor(node) {
    this.#node = node;
    new ResizeObserver(() => this.fit()).observe(node);
  }

  /** Measures only where the words or the place changed: numbers that change need no new size. */
  fit() {
    const node = this.#node;
    const words = node.textContent.replaceAll(/\d/g, "0");
    const fitted = `${node.clientWidth} ${node.clientHeight} ${words}`;
    if (fitted === this.#fitted) return;
    this.#fitted = fitted;
    for (const size of SIZES) {
      node.dataset.size = size;
      if (!this.#isTooSmall()) break;
    }
    // What does not fit at all must be reachable with the keyboard.
    if (this.#isTooSmall()) node.setAttribute("tabindex", "0");
    else node.removeAttribute("tabindex");
  }

  #isTooSmall() {
    const node = this.#node;
    return node.scrollHeight > node.clientHeight || node.scrollWidth > node.clientWidth;
  }
}
