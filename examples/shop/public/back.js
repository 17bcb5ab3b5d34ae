/**
 * A browser may freeze a page when it is left, and show it again after a logout, whatever Cache-Control says: then it
 * is fetched anew.
 */
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  document.documentElement.hidden = true;
  location.reload();
});
