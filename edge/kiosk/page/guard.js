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
    document.getElementById("answerBody")?.replaceChildren();
    document.getElementById("preview")?.setAttribute("data-picture", "none");
    document.documentElement.dataset.state = "connecting";
    if (isFailed) return;
    isFailed = true;
    setTimeout(reload, RETRY_MS);
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

  window.addEventListener("error", fail, true);
  window.addEventListener("unhandledrejection", fail);
  setTimeout(() => {
    if (!("started" in document.documentElement.dataset)) fail();
  }, START_MS);
})();
