(() => {
  const form = document.querySelector("form.search"), field = form.querySelector("input");
  const told = form.querySelector("output"), rows = [...document.querySelectorAll("tbody tr")];
  const plain = (text) =>
    text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[\u0111\u0110]/g, "d").toLowerCase();
  const texts = rows.map((row) => plain(row.textContent));
  const search = () => {
    const words = plain(field.value).split(/\s+/).filter(Boolean);
    let found = 0;
    rows.forEach((row, at) => {
      row.hidden = !words.every((word) => texts[at].includes(word));
      found += row.hidden ? 0 : 1;
    });
    told.textContent = words.length ? `${found} ${told.dataset.of}` : "";
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  field.addEventListener("input", search);
  form.hidden = rows.length === 0;
})();
