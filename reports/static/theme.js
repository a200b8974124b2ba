// Runs before the page is drawn: marks that scripts run, and applies the saved theme.
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("js");
  function kept() {
    try { return localStorage.getItem("maskbench-theme"); } catch (error) { return null; }
  }
  var asked = new URLSearchParams(location.search).get("theme") || kept();
  if (asked === "dark" || asked === "light") root.dataset.theme = asked;
})();
