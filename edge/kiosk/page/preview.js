/** The picture of the camera: the newest one, or none. An old one is never left standing. */
import { request } from "./link.js";

const PAUSE_MS = 150;
const FAILED_PAUSE_MS = 500;
const LONGEST_WAIT_MS = 3000;

export class Preview {
  #isShown = false;

  #canvas;
  #clock;
  #onChange;
  #stop = null;
  #fetchedAt = 0;
  #ageThen = 0;

  constructor(canvas, clock, onChange) {
    this.#canvas = canvas;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Milliseconds since the picture on the canvas was captured; null where there is none. */
  get ageMs() {
    return this.#isShown ? this.#ageThen + this.#clock.now() - this.#fetchedAt : null;
  }

  /** Poll or do not; without polling there is no picture. */
  set isWanted(isWanted) {
    if (isWanted === (this.#stop !== null)) return;
    if (isWanted) {
      this.#stop = new AbortController();
      this.#keepFetching(this.#stop.signal);
    } else {
      this.#stop.abort();
      this.#stop = null;
      this.#clear();
    }
  }

  /** Called a few times a second: takes away what could not be renewed. */
  check() {
    if (this.#isShown && this.#clock.now() - this.#fetchedAt > LONGEST_WAIT_MS) this.#clear();
  }

  async #keepFetching(signal) {
    while (!signal.aborted) {
      const isDrawn = await this.#fetchOne(signal);
      if (signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, isDrawn ? PAUSE_MS : FAILED_PAUSE_MS));
    }
  }

  /** @returns whether a current picture is on the canvas. */
  async #fetchOne(signal) {
    const askedAt = this.#clock.now();
    try {
      const { response, body } = await request("/v1/snapshot", signal);
      // The service has no current picture (404), which is not the same as being too busy.
      if (response.status === 404) this.#clear();
      if (body === null) return false;
      const picture = await createImageBitmap(new Blob([body], { type: "image/jpeg" }));
      if (!signal.aborted) {
        this.#fetchedAt = askedAt;
        this.#ageThen = Number(response.headers.get("X-Frame-Age-Ms")) || 0;
        this.#draw(picture);
      }
      picture.close();
      return true;
    } catch {
      return false;
    }
  }

  #draw(picture) {
    if (this.#canvas.width !== picture.width || this.#canvas.height !== picture.height) {
      this.#canvas.width = picture.width;
      this.#canvas.height = picture.height;
    }
    this.#canvas.getContext("2d").drawImage(picture, 0, 0);
    if (!this.#isShown) {
      this.#isShown = true;
      this.#onChange();
    }
  }

  #clear() {
    if (!this.#isShown) return;
    const { width, height } = this.#canvas;
    this.#canvas.getContext("2d").clearRect(0, 0, width, height);
    this.#isShown = false;
    this.#onChange();
  }
}
