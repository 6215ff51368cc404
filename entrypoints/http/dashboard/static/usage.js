// The chart of calls and charges by period. The table below it has the exact figures.
const place = document.getElementById("chart");
const [starts, calls, charges, before] = JSON.parse(place.dataset.series);
const colour = (name) => {
  const probe = document.createElement("span");
  probe.className = `ink-${name}`;
  place.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
};
let chart;
const draw = () => {
  chart?.destroy();
  const [text, line, accent, good] = ["text", "line", "accent", "good"].map(colour);
  const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line } };
  chart = new uPlot(
    {
      width: place.clientWidth - 32,
      height: 260,
      series: [
        {},
        { label: "Charge", stroke: accent, width: 2, scale: "credits", points: { show: starts.length < 60 } },
        ...(before.some((one) => one !== null)
          ? [{ label: "Charge before", stroke: text, width: 1, dash: [2, 4], scale: "credits", points: { show: false } }]
          : []),
        { label: "Calls", stroke: good, width: 2, dash: [6, 4], scale: "calls", points: { show: false } },
      ],
      axes: [axis, { ...axis, scale: "credits", size: 90, values: (_, ticks) => ticks.map((one) => String(Number(one.toPrecision(4)))) }, { ...axis, scale: "calls", side: 1, grid: { show: false } }],
    },
    [starts, charges.map(Number), ...(before.some((one) => one !== null) ? [before.map((one) => (one === null ? null : Number(one)))] : []), calls],
    place,
  );
};
draw();
addEventListener("resize", draw);
new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
