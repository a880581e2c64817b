// The exported page opened by double click. Browsers load no modules from file:, so this is a classic script.

if (location.protocol === "file:") {
  addEventListener("DOMContentLoaded", () => {
    const find = (id) => document.getElementById(id);
    find("problem").textContent =
      "Browsers do not run this page as a file. Run `python3 -m http.server` in its folder, then open " +
      "http://localhost:8000. Any web server works.";
    find("problem").hidden = false;
    find("card").textContent = find("sure").textContent = "Not loaded.";
    find("invitation").hidden = true;
    for (const each of document.querySelectorAll("button, input")) each.disabled = true;
  });
}
