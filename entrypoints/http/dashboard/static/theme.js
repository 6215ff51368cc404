// The visitor's choice of light or dark, set before the page is painted.
const chosen = localStorage.getItem("aihub-theme");
if (chosen) document.documentElement.dataset.theme = chosen;
