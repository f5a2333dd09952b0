/* Takes the picture of the page away (dashboard/layout/first_paint.py) once the page is there. */
(function (root) {
  "use strict";

  const picture = document.querySelector(".first-paint");
  const entry = document.getElementById("react-entry-point");
  const drawn = new root.MutationObserver(() => {
    if (!entry.querySelector(".lab")) return;
    drawn.disconnect();
    picture.remove();
  });
  if (picture) drawn.observe(entry, { childList: true, subtree: true });
})(window);
