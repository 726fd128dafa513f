// Runs before anything is painted, so that a chosen theme never flashes; hence no module.
try {
  const chosen = localStorage.getItem("fount-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is off: the system's colours stay.
}
