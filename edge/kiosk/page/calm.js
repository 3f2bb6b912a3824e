/**
 * Keeps the page readable when answers come thirty times a second.
 *
 * Taking an answer away is never delayed. A new answer replaces one at most every `ANSWER_MS`, and
 * after a "no result" an answer is shown only when `HOLD_MS` went by without another one: a camera
 * that gives good and bad pictures in turn reads "no result" steadily instead of flashing.
 */
export const ANSWER_MS = 400;
export const HOLD_MS = 800;

export class Calm {
  #current = null;
  #changedAt = 0;
  #refusedAt = -Infinity;

  /**
   * @param {object} shown what `chooseShown` gave.
   * @param {number} now in milliseconds.
   * @returns {object} what to show: `shown`, or for a moment still what was shown before.
   */
  next(shown, now) {
    if (shown.state === "no_result") this.#refusedAt = now;
    if (this.#current === null || this.#isDue(shown, now)) {
      this.#current = shown;
      this.#changedAt = now;
    }
    return this.#current;
  }

  #isDue(shown, now) {
    const before = this.#current;
    if (shown.state === "answered") {
      if (before.state === "answered") return now - this.#changedAt >= ANSWER_MS;
      return before.state !== "no_result" || now - this.#refusedAt >= HOLD_MS;
    }
    const isSameKind = before.state === shown.state && before.state === "no_result";
    if (isSameKind && before.gate !== shown.gate) return now - this.#changedAt >= HOLD_MS;
    return true;
  }
}
