/**
 * The connection to the service: follows its events, connects again by itself, and knows for how
 * long nothing has been heard. Where nothing was heard for `SILENCE_MS` there is no answer.
 */
import { readEvents } from "./event_stream.js";

export const SILENCE_MS = 5000;
const QUIET_MS = 1500;
const GRACE_MS = 1500;
const REQUEST_MS = 2000;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5000;
const DENIED_WAIT_MS = 5000;
const GAP_MS = 3000;

class DeniedError extends Error {}

/** GET a path and give its response; throws where none comes in time. */
export async function request(path, signal, timeoutMs = REQUEST_MS) {
  const limit = new AbortController();
  const stop = () => limit.abort();
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  const timer = setTimeout(stop, timeoutMs);
  try {
    const response = await fetch(path, { cache: "no-store", signal: limit.signal });
    if (response.status === 401 || response.status === 403) throw new DeniedError();
    return { response, body: response.ok ? await response.arrayBuffer() : null };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** GET a path and give its JSON; null where the service has none to give now. */
export async function requestJson(path, signal) {
  const { body } = await request(path, signal);
  return body === null ? null : JSON.parse(new TextDecoder().decode(body));
}

export class Link {
  /** "connecting", "open", "lost" or "denied". */
  state = "connecting";
  /** The newest Latest message of this connection and when it came; null before the first. */
  latest = null;
  latestAt = 0;

  #clock;
  #onLatest;
  #onEvent;
  #onOpen;
  #stop = null;
  #brokenAt = null;
  #failures = 0;
  #messages = 0;
  #lastEventId = "";
  #isPolling = false;
  #checkedAt = 0;

  /**
   * @param {Clock} clock
   * @param {{onLatest: () => void, onEvent: (event: object) => void, onOpen: () => void}} calls
   */
  constructor(clock, { onLatest, onEvent, onOpen }) {
    this.#clock = clock;
    this.#onLatest = onLatest;
    this.#onEvent = onEvent;
    this.#onOpen = onOpen;
  }

  /** Forget what was shown and connect anew: after a sleep, or when the page is seen again. */
  restart() {
    this.stop();
    this.latest = null;
    this.state = "connecting";
    this.#connect();
  }

  stop() {
    this.#stop?.abort();
    this.#stop = null;
  }

  /** Called a few times a second: notices silence, a sleep of the device, and a broken link. */
  check() {
    if (this.#stop === null) return;
    const now = this.#clock.now();
    const gap = now - this.#checkedAt;
    this.#checkedAt = now;
    if (gap > GAP_MS) {
      this.restart();
    } else if (this.#brokenAt !== null) {
      if (now - this.#brokenAt > GRACE_MS) this.#lose();
    } else if (this.state === "open" && now - this.latestAt > SILENCE_MS) {
      this.#lose();
      this.stop();
      this.#connect();
    } else if (this.state === "open" && now - this.latestAt > QUIET_MS) {
      this.#poll();
    }
  }

  #lose() {
    if (this.state !== "denied") this.state = "lost";
    this.latest = null;
  }

  /** @returns how long to wait before the next try; 0 for the usual time. */
  #fail(error) {
    if (!(error instanceof DeniedError)) {
      if (this.state === "denied") this.state = "lost";
      return 0;
    }
    this.state = "denied";
    this.latest = null;
    return DENIED_WAIT_MS;
  }

  #connect() {
    const stop = new AbortController();
    this.#stop = stop;
    this.#checkedAt = this.#clock.now();
    this.#brokenAt = this.state === "lost" ? null : this.#checkedAt;
    this.#keepFollowing(stop.signal);
  }

  async #keepFollowing(signal) {
    while (!signal.aborted) {
      let waitMs = 0;
      try {
        await this.#follow(signal);
      } catch (error) {
        if (!signal.aborted) waitMs = this.#fail(error);
      }
      if (signal.aborted) return;
      if (this.state === "open") this.#brokenAt = this.#clock.now();
      await sleep(waitMs || this.#nextWaitMs(), signal);
    }
  }

  /** Doubles, with jitter, so that many screens do not come back at the same instant. */
  #nextWaitMs() {
    const wait = Math.min(FIRST_WAIT_MS * 2 ** this.#failures, LONGEST_WAIT_MS);
    this.#failures = Math.min(this.#failures + 1, 10);
    return wait * (0.5 + Math.random() / 2);
  }

  async #follow(signal) {
    const stop = new AbortController();
    const end = () => stop.abort();
    signal.addEventListener("abort", end, { once: true });
    const timer = setTimeout(end, REQUEST_MS);
    try {
      const latest = await requestJson("/v1/latest", signal);
      if (latest === null) throw new Error("not ready");
      this.#take(latest, signal);
      const headers = this.#lastEventId ? { "Last-Event-ID": this.#lastEventId } : {};
      const response = await fetch("/v1/events", {
        cache: "no-store",
        headers: { Accept: "text/event-stream", ...headers },
        signal: stop.signal
      });
      clearTimeout(timer);
      if (response.status === 401 || response.status === 403) throw new DeniedError();
      if (!response.ok) throw new Error(`status ${response.status}`);
      await readEvents(response.body, (name, data, id) => {
        this.#receive(name, data, id, signal);
      });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      stop.abort();
    }
  }

  #receive(name, data, id, signal) {
    if (signal.aborted) return;
    if (name === "latest") {
      this.#messages += 1;
      this.#take(parse(data), signal);
      return;
    }
    if (id) this.#lastEventId = id;
    const event = parse(data);
    if (event !== null) this.#onEvent(event);
  }

  #take(latest, signal) {
    if (signal.aborted) return;
    const now = this.#clock.now();
    // What waited in a buffer while the device slept may be minutes old: check() starts anew.
    if (now - this.#checkedAt > GAP_MS) return;
    const wasOpen = this.state === "open";
    this.latest = latest ?? {};
    this.latestAt = now;
    this.#brokenAt = null;
    this.#failures = 0;
    this.state = "open";
    if (!wasOpen) this.#onOpen();
    this.#onLatest();
  }

  /** The stream speaks only when something changes; in between, ask. */
  async #poll() {
    if (this.#isPolling) return;
    this.#isPolling = true;
    const signal = this.#stop.signal;
    const messages = this.#messages;
    try {
      const latest = await requestJson("/v1/latest", signal);
      // A message that came meanwhile is newer than this reply may be.
      if (latest !== null && messages === this.#messages) this.#take(latest, signal);
    } catch {
      // check() measures the silence.
    } finally {
      this.#isPolling = false;
    }
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function sleep(milliseconds, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
  });
}
