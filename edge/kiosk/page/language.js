/** Which language the page speaks, and its texts, numbers and times in it. */
import { TEXTS } from "./texts.js";

const KEY = "edgedx.language";
const TAGS = { en: "en", zh: "zh-CN" };

export class Language {
  /** "en" or "zh": as chosen before on this screen, else as the address or the browser says. */
  code = chosenBefore() ?? namedInAddress() ?? namedByBrowser();

  get tag() {
    return TAGS[this.code];
  }

  choose(code) {
    this.code = code;
    try {
      localStorage.setItem(KEY, code);
    } catch {
      // Where nothing may be stored, the choice lasts until the page is loaded again.
    }
  }

  chooseOther() {
    this.choose(this.code === "en" ? "zh" : "en");
  }

  has(key) {
    return Object.hasOwn(TEXTS, key);
  }

  /** The text of a key, with `{name}` replaced by the value of that name. */
  text(key, values = {}) {
    const text = TEXTS[key][this.code];
    return text.replaceAll(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
  }

  number(value, digits) {
    const format = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    return value.toLocaleString(this.tag, format);
  }

  /** A score or a measured value, four digits of it. */
  value(value) {
    return value.toLocaleString(this.tag, { maximumSignificantDigits: 4 });
  }

  /** A probability in percent; never rounded to a certainty that the model did not state. */
  percent(share, digits = 0) {
    const step = 10 ** -digits;
    let number = this.number(share * 100, digits);
    if (share * 100 >= 100 - step / 2) number = `> ${this.number(100 - step, digits)}`;
    else if (share * 100 < step / 2) number = `< ${this.number(step, digits)}`;
    return this.text("number.percent", { n: number });
  }

  milliseconds(nanoseconds) {
    if (!(nanoseconds > 0)) return this.text("number.none");
    const value = nanoseconds / 1e6;
    return this.text("number.milliseconds", { n: this.number(value, value < 10 ? 1 : 0) });
  }

  seconds(milliseconds) {
    if (milliseconds === null) return this.text("number.none");
    return this.text("number.seconds", { n: this.number(milliseconds / 1000, 1) });
  }

  /** A length of time in its largest whole unit. */
  duration(milliseconds) {
    const seconds = Math.max(0, Math.floor(milliseconds / 1000));
    const units = [["days", 86400], ["hours", 3600], ["minutes", 60], ["seconds", 1]];
    const [unit, length] = units.find(([, each]) => seconds >= 2 * each) ?? units[3];
    return this.text(`duration.${unit}`, { n: this.number(Math.floor(seconds / length), 0) });
  }

  /** The same order of year, month and day for everybody; Sweden writes it so. */
  time(nanoseconds) {
    return new Date(nanoseconds / 1e6).toLocaleString("sv-SE");
  }
}

function chosenBefore() {
  try {
    const code = localStorage.getItem(KEY);
    return Object.hasOwn(TAGS, code) ? code : null;
  } catch {
    return null;
  }
}

/** `/#language=zh`, for a screen whose browser forgets everything when it is switched off. */
function namedInAddress() {
  const code = new URLSearchParams(location.hash.slice(1)).get("language");
  return Object.hasOwn(TAGS, code) ? code : null;
}

function namedByBrowser() {
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}
