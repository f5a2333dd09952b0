/* New elements of the page. */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});

  /** By class and style. */
  function element(name, className, style) {
    const made = document.createElement(name);
    if (className) made.className = className;
    Object.assign(made.style, style || {});
    return made;
  }

  /** By text and attributes. */
  function make(name, text, attributes) {
    const made = document.createElement(name);
    made.textContent = text || "";
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    return made;
  }

  Object.assign(lab, { element, make });
})(window);
