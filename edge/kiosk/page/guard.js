/*
 * Watches over the page itself, in a script of its own: where any part of it fails or cannot be
 * loaded, no answer is left standing, and the page is loaded anew once the service gives it.
 */
(() => {
  const START_MS = 15000;
  const RETRY_MS = 5000;
  let isFailed = false;

  function fail(event) {
    // A browser's way to say that it lays something out one frame later; nothing has failed.
    if (String(event?.message ?? "").startsWith("ResizeObserver")) return;
    if (isFailed) return;
    isFailed = true;
    delete document.documentElement.dataset.guarded;
    clear();
    setTimeout(reload, RETRY_MS);
  }

  /** What still runs of the page draws into what nobody sees: a still copy takes its place. */
  function clear() {
    document.getElementById("announcer")?.remove();
    const main = document.querySelector("main");
    if (!main) return;
    const still = main.cloneNode(true);
    const part = (id) => still.querySelector(`#${id}`);
    part("answer").className = "answer";
    part("answerTitle").textContent = "Connecting to the service · 正在连接服务";
    part("answerBody").replaceChildren();
    part("preview").dataset.picture = "none";
    for (const id of ["more", "tokenForm", "badge"]) part(id).hidden = true;
    main.replaceWith(still);
  }

  async function reload() {
    try {
      const response = await fetch("/", { cache: "no-store" });
      if (response.ok) location.reload();
    } catch {
      // The service is away; it is asked again.
    }
    setTimeout(reload, RETRY_MS);
  }

  document.documentElement.dataset.guarded = "";
  window.addEventListener("error", fail, true);
  window.addEventListener("unhandledrejection", fail);
  setTimeout(() => {
    if (!("started" in document.documentElement.dataset)) fail();
  }, START_MS);
})();
