/** A session for the token of a service that other machines can reach; see docs/kiosk-api.md. */

/** The token behind `#token=` in the address, which is taken out of it; "" without one. */
export function takeToken() {
  const settings = new URLSearchParams(location.hash.slice(1));
  const token = settings.get("token") ?? "";
  settings.delete("token");
  const rest = String(settings);
  if (token) history.replaceState(null, "", location.pathname + (rest ? `#${rest}` : ""));
  return token;
}

/** @returns whether the service took the token and gave a cookie for it. */
export async function openSession(token) {
  try {
    const headers = { Authorization: `Bearer ${token}` };
    const response = await fetch("/v1/session", { method: "POST", headers, cache: "no-store" });
    return response.ok;
  } catch {
    return false;
  }
}
