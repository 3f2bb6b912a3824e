/** Chooses the largest letters at which an answer fits its place, for those who stand far away. */

const SIZES = ["huge", "large", "medium", "small", "tiny"];

export class Fitter {
  #node;
  #more;
  #fitted = "";

  /** @param more a button that is shown where not even the smallest letters make it fit. */
  constructor(node, more) {
    this.#node = node;
    this.#more = more;
    new ResizeObserver(() => requestAnimationFrame(() => this.fit())).observe(node);
    more.addEventListener("click", () => this.#turn());
  }

  /** Measures only where the words or the place changed: numbers that change need no new size. */
  fit() {
    const node = this.#node;
    const words = node.textContent.replaceAll(/\d/g, "0");
    const fitted = `${node.clientWidth} ${window.innerHeight} ${words}`;
    if (fitted === this.#fitted) return;
    this.#fitted = fitted;
    this.#more.hidden = true;
    for (const size of SIZES) {
      node.dataset.size = size;
      if (!this.#isTooSmall()) break;
    }
    const isTooSmall = this.#isTooSmall();
    this.#more.hidden = !isTooSmall;
    // What does not fit at all must be reachable with the keyboard too.
    if (isTooSmall) node.setAttribute("tabindex", "0");
    else node.removeAttribute("tabindex");
  }

  /** One page on; from the last one back to the first. */
  #turn() {
    const node = this.#node;
    const left = node.scrollHeight - node.clientHeight - node.scrollTop;
    node.scrollTop = left > 1 ? node.scrollTop + 0.8 * node.clientHeight : 0;
  }

  #isTooSmall() {
    const node = this.#node;
    return node.scrollHeight > node.clientHeight || node.scrollWidth > node.clientWidth;
  }
}
