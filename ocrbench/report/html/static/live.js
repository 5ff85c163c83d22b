"use strict";
// Served by ocrbench: load the page again when there is a newer one, and stay where the reader is.
(() => {
  const SECONDS = 2;
  const PLACE = "ocrbench-place";
  let known = null;

  async function look() {
    try {
      const version = await (await fetch("version", { cache: "no-store" })).text();
      if (known !== null && version !== known) {
        sessionStorage.setItem(PLACE, String(scrollY));
        location.reload();
      }
      known = version;
    } catch {
      // The server has stopped; the page stays as it is.
    }
    setTimeout(look, SECONDS * 1000);
  }

  const place = sessionStorage.getItem(PLACE);
  sessionStorage.removeItem(PLACE);
  if (place !== null) scrollTo({ top: Number(place), behavior: "instant" });
  look();
})();
