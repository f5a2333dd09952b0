/* Light or dark, whole or embedded: said before anything is drawn. */
(function (root) {
  "use strict";

  const lab = (root.reclaimLab = root.reclaimLab || {});

  function wantedTheme() {
    const kept = store("theme");
    if (kept === "dark" || kept === "light") return kept;
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  function store(name, value) {
    try {
      if (value === undefined) return localStorage.getItem(`reclaim-lab-${name}`);
      localStorage.setItem(`reclaim-lab-${name}`, value);
    } catch (error) {
      console.info(`not kept: ${name} (${error.name})`); // storage is closed: private mode
    }
    return null;
  }

  function setTheme(name, keep) {
    document.documentElement.dataset.theme = name;
    if (keep) store("theme", name);
    if (lab.setTheme) lab.setTheme(name);
  }

  setTheme(wantedTheme(), false);
  document.documentElement.classList.toggle("embed", location.pathname === "/embed");
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    if (!store("theme")) setTheme(wantedTheme(), false);
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest("#shell-theme")) return;
    setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark", true);
  });
  document.addEventListener("rl:ready", () => setTheme(document.documentElement.dataset.theme));
})(window);
