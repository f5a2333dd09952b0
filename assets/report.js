/* The charts of a report, as images that are printed and saved with it. Only on its own page. */
(function (root) {
  "use strict";

  const WIDTH = 900;
  const data = document.getElementById("report-figures");
  if (!data) return;

  async function draw(place, { title, height, data: traces, layout }) {
    const box = place.querySelector(".report-plot");
    const asked = { format: "svg", width: WIDTH, height };
    const figure = { data: traces, layout, config: { staticPlot: true } };
    try {
      const image = document.createElement("img");
      image.src = await root.Plotly.toImage(figure, asked);
      image.alt = title;
      Object.assign(image, { width: WIDTH, height });
      box.replaceChildren(image);
    } catch (error) {
      box.textContent = `${title} could not be drawn: ${error.message}`;
    }
  }

  async function drawAll() {
    const figures = JSON.parse(data.textContent);
    for (const place of document.querySelectorAll("[data-report-figure]")) {
      await draw(place, figures[place.dataset.reportFigure]);
    }
    document.body.dataset.drawn = "true";
  }

  document.querySelector("[data-report-print]").addEventListener("click", () => root.print());
  drawAll();
})(window);
