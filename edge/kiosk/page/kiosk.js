/** The page of the kiosk: what comes from the service, when it is looked at, what is drawn. */
import { announceShown, describeShown } from "./answer_view.js";
import { Announcer } from "./announcer.js";
import { Calm } from "./calm.js";
import { Clock } from "./clock.js";
import { describeCard, describeEvents, describeHealth } from "./details_view.js";
import { element, icon, renew } from "./element.js";
import { Fitter } from "./fitter.js";
import { Language } from "./language.js";
import { Link, requestJson } from "./link.js";
import { Preview } from "./preview.js";
import { RecentEvents } from "./recent_events.js";
import { openSession, takeToken } from "./session.js";
import { choosePicture, chooseShown, isPictureForbidden } from "./shown.js";

const TICK_MS = 200;
const HEALTH_MS = 2000;
const CARD_MS = 1000;
const MEASURE_MS = 1000;
const RELOAD_MS = 5000;
const DIGEST_CHARACTERS = 12;
const CARD_EVENTS = new Set(["model", "update", "worker"]);
const BADGE_ICONS = { live: "live", older: "wait", unusable: "none", none: "none" };

class Kiosk {
  #page = Object.fromEntries([...document.querySelectorAll("[id]")].map((each) => [each.id, each]));
  #clock = new Clock();
  #language = new Language();
  #calm = new Calm();
  #events = new RecentEvents();
  #announcer = new Announcer(this.#page.announcer);
  #preview = new Preview(this.#page.picture, this.#clock, () => this.#show());
  #link = new Link(this.#clock, {
    onLatest: () => this.#show(),
    onEvent: (event) => this.#remember(event),
    onOpen: () => this.#greet()
  });
  #fitter = new Fitter(this.#page.answerBody, this.#page.more);
  #shown = null;
  #card = null;
  #cardAskedAt = -Infinity;
  #isCardOld = false;
  #health = null;
  #healthAskedAt = -Infinity;
  #measuredAt = -Infinity;
  #version = "";

  async start() {
    this.#listen();
    this.#speak();
    this.#show();
    const token = takeToken();
    if (token) await openSession(token);
    if (document.visibilityState === "visible") this.#link.restart();
    setInterval(() => this.#tick(), TICK_MS);
    document.documentElement.dataset.started = "";
  }

  #listen() {
    const { details, openDetails, closeDetails } = this.#page;
    openDetails.addEventListener("click", () => this.#openDetails());
    closeDetails.addEventListener("click", () => details.close());
    details.addEventListener("click", (event) => {
      if (event.target === details) details.close();
    });
    for (const button of document.querySelectorAll("[data-language]")) {
      button.addEventListener("click", () => {
        this.#language.choose(button.dataset.language);
        this.#speak();
      });
    }
    this.#page.tokenForm.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#enter();
    });
    document.addEventListener("keydown", (event) => this.#press(event));
    document.addEventListener("visibilitychange", () => this.#see());
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) this.#see();
    });
  }

  /** Trade the token that was typed in for a session. */
  async #enter() {
    const { token, tokenFault } = this.#page;
    const isOpen = await openSession(token.value.trim());
    renew(tokenFault, isOpen ? "" : this.#language.text("token.wrong"));
    if (!isOpen) return;
    token.value = "";
    this.#link.restart();
    this.#show();
  }

  #press(event) {
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "F2") {
      if (this.#page.details.open) this.#page.details.close();
      else this.#openDetails();
    } else if (event.key === "F4") {
      this.#language.chooseOther();
      this.#speak();
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Nobody looks at a hidden page, so it asks for nothing; seen again, it begins anew. */
  #see() {
    if (document.visibilityState === "visible") {
      this.#link.restart();
    } else {
      this.#link.stop();
      this.#link.latest = null;
      this.#link.state = "connecting";
    }
    this.#show();
  }

  #tick() {
    this.#link.check();
    this.#preview.check();
    this.#show();
    const now = this.#clock.now();
    const isOpen = this.#link.state === "open";
    if (isOpen && this.#isCardOld && now - this.#cardAskedAt > CARD_MS) this.#refreshCard();
    const isLooked = this.#page.details.open && document.visibilityState === "visible";
    if (isLooked && now - this.#healthAskedAt > HEALTH_MS) this.#refreshDetails();
  }

  /** The link is open: which model and which service is this? */
  async #greet() {
    this.#refreshCard();
    const health = await requestJson("/v1/health").catch(() => null);
    if (health === null) return;
    this.#health = health;
    const version = health.service?.version ?? "";
    // A newer service brings a newer page.
    if (this.#version && version !== this.#version) location.reload();
    this.#version = version;
  }

  #remember(event) {
    this.#events.add(event);
    if (CARD_EVENTS.has(event.type)) this.#isCardOld = true;
  }

  async #refreshCard() {
    this.#cardAskedAt = this.#clock.now();
    this.#isCardOld = false;
    const card = await requestJson("/v1/model").catch(() => null);
    this.#card = typeof card?.model?.digest === "string" ? card : null;
    this.#shown = null;
    this.#measuredAt = -Infinity;
    this.#show();
    this.#drawDetails();
  }

  async #refreshDetails() {
    this.#healthAskedAt = this.#clock.now();
    this.#health = await requestJson("/v1/health").catch(() => null);
    this.#drawDetails();
  }

  #openDetails() {
    this.#page.details.showModal();
    this.#page.detailsBody.scrollTop = 0;
    this.#drawDetails();
    this.#refreshDetails();
    if (this.#card === null) this.#refreshCard();
  }

  #drawDetails() {
    if (!this.#page.details.open) return;
    const { detailsModel, detailsHealth, detailsEvents } = this.#page;
    try {
      renew(detailsModel, describeCard(this.#card, this.#language));
      renew(detailsHealth, describeHealth(this.#health, this.#language));
      renew(detailsEvents, describeEvents(this.#events.list(), this.#language));
    } catch (error) {
      // What cannot be told here is no reason to take an answer away.
      console.error(error);
    }
  }

  /** Put every text of the page into its language. */
  #speak() {
    const language = this.#language;
    document.documentElement.lang = language.tag;
    document.title = language.text("app.title");
    for (const node of document.querySelectorAll("[data-text]")) {
      node.textContent = language.text(node.dataset.text);
    }
    for (const node of document.querySelectorAll("[data-label]")) {
      node.setAttribute("aria-label", language.text(node.dataset.label));
    }
    for (const button of document.querySelectorAll("[data-language]")) {
      button.setAttribute("aria-pressed", String(button.dataset.language === language.code));
    }
    this.#shown = null;
    this.#show();
    this.#drawDetails();
  }

  #show() {
    const now = this.#clock.now();
    const { state, latest, latestAt } = this.#link;
    const newest = chooseShown(state, latest, now - latestAt);
    this.#preview.isWanted = !isPictureForbidden(newest);
    const shown = this.#calm.next(newest, now);
    this.#showPicture(shown, newest);
    if (this.#isNew(shown)) {
      if (this.#isOther(shown)) this.#measuredAt = -Infinity;
      this.#shown = shown;
      this.#draw(shown);
    }
    if (now - this.#measuredAt >= MEASURE_MS) {
      this.#measuredAt = now;
      this.#measure(shown);
    }
    this.#announcer.offer(announceShown(shown, this.#language), now);
  }

  #isNew(shown) {
    const before = this.#shown;
    if (before === null || shown.state === "answered") return shown !== before;
    return ["state", "gate", "reason"].some((key) => shown[key] !== before[key]);
  }

  /** Another state or another model: what stands below the answer must not lag behind it. */
  #isOther(shown) {
    const before = this.#shown;
    const digest = shown.answer?.model.digest;
    return before?.state !== shown.state || before.answer?.model.digest !== digest;
  }

  #draw(shown) {
    const { answer, answerTitle, answerBody } = this.#page;
    const isAnswered = shown.state === "answered";
    document.documentElement.dataset.state = shown.state;
    document.documentElement.dataset.gate = shown.gate;
    answerTitle.textContent = this.#language.text(`state.${shown.state}`);
    answer.classList.toggle("has-answer", isAnswered);
    renew(answerBody, describeShown(shown, this.#card, this.#language));
    this.#page.tokenForm.hidden = shown.state !== "denied";
    this.#fitter.fit();
    const digest = shown.answer?.model.digest;
    if (isAnswered && digest !== this.#card?.model.digest) this.#isCardOld = true;
  }

  #showPicture(shown, newest) {
    const { preview, badgeIcon, badgeText } = this.#page;
    const language = this.#language;
    const { ageMs } = this.#preview;
    const picture = isPictureForbidden(newest) ? "none" : choosePicture(shown, ageMs);
    preview.dataset.picture = picture;
    renew(badgeIcon, icon(BADGE_ICONS[picture]));
    const text = language.text(`preview.${picture}`, { duration: language.duration(ageMs ?? 0) });
    renew(badgeText, text);
  }

  #measure({ answer, ageMs }) {
    const language = this.#language;
    const { inference, captureToAnswer, age, model } = this.#page;
    inference.textContent = language.milliseconds(answer?.latency_ns?.infer);
    captureToAnswer.textContent = language.milliseconds(answer?.capture_to_answer_ns);
    age.textContent = language.seconds(ageMs);
    const named = answer?.model ?? (this.#link.state === "open" ? this.#card?.model : null);
    renew(model, named ? describeModel(named) : language.text("number.none"));
  }
}

/** However long a name is, version and digest are to be seen. */
function describeModel({ name, version, digest }) {
  const identity = ` ${version} · ${digest.slice(0, DIGEST_CHARACTERS)}`;
  return [element("span", { class: "model-name", dir: "auto" }, name), identity];
}

// Without its guard, or where that has found a fault already, nothing is shown.
if ("guarded" in document.documentElement.dataset) new Kiosk().start();
else setTimeout(() => location.reload(), RELOAD_MS);
