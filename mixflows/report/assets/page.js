(() => {
  "use strict";
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const specs = read("specs");
  const figures = read("figures-data");
  const dayMs = 86400000;
  const phone = matchMedia("(max-width: 760px)");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const stateWords = { published: "published", warned: "published, with warning", blocked: "blocked", failed: "failed", waiting: "not yet taken" };
  const stateWeights = ["published", "warned", "waiting", "failed", "blocked"];
  const outcomes = {
    p: { outcome: "pass", text: "passed", sign: "", weight: 0 },
    n: { outcome: "not_judged", text: "not judged", sign: "·", weight: 1 },
    w: { outcome: "warn", text: "warning", sign: "!", weight: 2 },
    f: { outcome: "fail", text: "failed", sign: "×", weight: 3 },
  };
  const starts = figures.days.day.map((day) => Date.parse(day + "T00:00:00Z"));
  const first = starts[0];
  const last = starts[starts.length - 1];
  const span = (last - first) / dayMs + 1;

  const dayName = (ms) => {
    const parts = Object.fromEntries(
      new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", weekday: "short", day: "numeric", month: "short", year: "numeric" })
        .formatToParts(ms).map((part) => [part.type, part.value]));
    return `${parts.weekday} ${parts.day} ${parts.month.slice(0, 3)} ${parts.year}`;
  };

  // A bar must stay wide enough to be seen and pointed at: long ranges are shown by seven days or by calendar month.
  const unitFor = (length) => (length <= (phone.matches ? 100 : 200) ? "day" : length <= 1500 ? "week" : "month");
  const placeOf = (start, to, unit) => {
    const day = new Date(start);
    if (unit === "month") return [Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), 1), Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 1)];
    const length = (unit === "week" ? 7 : 1) * dayMs;
    const end = to - Math.floor((to - dayMs - start) / length) * length;
    return [end - length, end];
  };

  const bucketsOf = (from, to) => {
    const unit = unitFor((to - from) / dayMs);
    const buckets = new Map();
    starts.forEach((start, n) => {
      if (start < from || start >= to) return;
      const [bucketStart, bucketEnd] = placeOf(start, to, unit);
      if (!buckets.has(bucketStart)) buckets.set(bucketStart, { start: Math.max(bucketStart, from), end: Math.min(bucketEnd, to), members: [] });
      buckets.get(bucketStart).members.push(n);
    });
    return [...buckets.values()].map(({ start, end, members }) => {
      const gap = (end - start) * 0.06;
      const title = unit === "day" ? dayName(start) : `${dayName(start)} to ${dayName(end - dayMs)}`;
      return { start, end, middle: (start + end) / 2, bar_start: start + gap, bar_end: end - gap, title, members };
    });
  };

  // The rows that failed come first; the others are shown when they are asked for.
  const every = figures.expectations.length;
  const troubled = figures.troubled && every - figures.troubled > 2 ? figures.troubled : every;
  let rows = troubled;
  const rowHeight = () => (phone.matches ? 38 : 26);
  const labels = document.getElementById("calendar-rows");
  const toggle = document.getElementById("all-rows");

  const known = (column, members) => members.map((n) => column[n]).filter((value) => value !== null);
  const sum = (column, members) => (known(column, members).length ? known(column, members).reduce((a, b) => a + b) : null);
  const mean = (column, members) => (known(column, members).length ? sum(column, members) / known(column, members).length : null);
  const isPublished = (n) => figures.days.state[n] === "published" || figures.days.state[n] === "warned";
  const rateOf = (members) => {
    if (members.length === 1) return figures.days.rate[members[0]];
    const source = sum(figures.days.source, members);
    return source ? sum(figures.days.duplicates, members) / source : null;
  };
  const statesOf = (members) => {
    if (members.length === 1) return stateWords[figures.days.state[members[0]]];
    return stateWeights.map((state) => [members.filter((n) => figures.days.state[n] === state).length, stateWords[state]])
      .filter(([count]) => count).map(([count, words]) => `${count} ${words}`).join("; ");
  };

  const judgedRate = figures.expectations.find(({ suite, name }) => suite === "figures" && name === "duplicate_rate");
  const datasets = (from, to) => {
    const buckets = bucketsOf(from, to);
    const days = [];
    starts.forEach((start, n) => {
      if (start < from || start >= to) return;
      const judged = judgedRate ? judgedRate.outcomes[n] : "-";
      const mark_size = judged === "w" || judged === "f" ? 70 : (to - from) / dayMs <= 120 ? 16 : 0;
      days.push({ middle: start + dayMs / 2, rate: mark_size ? figures.days.rate[n] : null, judged, mark_size });
    });
    const spans = buckets.map(({ members, ...place }) => ({
      ...place,
      opens: members.length === 1 ? starts[members[0]] : undefined,
      band_low: mean(figures.days.band_low, members),
      band_high: mean(figures.days.band_high, members),
      state_text: statesOf(members),
      stop_size: members.some((n) => figures.days.kept[n] === null) ? 70 : 0,
      source: sum(figures.days.source, members),
      kept: sum(figures.days.kept, members),
      duplicates: sum(figures.days.duplicates, members),
      took: mean(figures.days.took, members),
      published_rate: rateOf(members.filter(isPublished)),
      rate: members.length === 1 ? figures.days.rate[members[0]] : rateOf(members.filter(isPublished)),
      rejected: sum(figures.days.rejected, members),
      ...Object.fromEntries(figures.reasons.map((reason, r) => [`reason${r}`, sum(reason.rows, members)])),
    }));
    const reasons = spans.flatMap((place) => {
      let rows_up_to = 0;
      return figures.reasons.map(({ name }, rank) => {
        const rows_below = rows_up_to;
        rows_up_to += place[`reason${rank}`] ?? 0;
        return { bar_start: place.bar_start, bar_end: place.bar_end, reason: name, rows_below, rows_up_to };
      });
    });
    const under = phone.matches ? 0.45 : 0; // On a phone a row's label stands above its cells.
    const cells = figures.expectations.slice(0, rows).flatMap((expectation, row) => buckets.map(({ members, ...place }) => {
      const judged = members.filter((n) => expectation.outcomes[n] !== "-");
      if (!judged.length) return null;
      const deciding = judged.reduce((a, b) => (outcomes[expectation.outcomes[b]].weight > outcomes[expectation.outcomes[a]].weight ? b : a));
      const { outcome, text, sign } = outcomes[expectation.outcomes[deciding]];
      return {
        ...place, opens: starts[deciding], outcome, sign, outcome_text: judged.length > 1 ? `${text} (worst of ${judged.length} days: ${dayName(starts[deciding])})` : text,
        top: row + under, bottom: row + 1, centre: row + 0.5 + under / 2, expectation: expectation.name, detail: figures.texts[expectation.saw[deciding]],
      };
    }).filter(Boolean));
    return { days, spans, reasons, cells, buckets: buckets.length };
  };

  // Ticks stand in the middle of the day they name, as far apart as their labels need.
  const ticksFor = (from, to, width) => {
    const days = (to - from) / dayMs;
    const fitting = Math.max(2, Math.floor(width / 72));
    const step = [1, 2, 7, 14].find((candidate) => days / candidate <= fitting);
    if (step) {
      const ticks = [];
      for (let at = to - dayMs; at >= from; at -= step * dayMs) ticks.unshift(at + dayMs / 2);
      return { ticks, tick_format: "%-d %b" };
    }
    const months = [1, 2, 3, 6, 12, 24, 60].find((candidate) => days / 30.4 / candidate <= fitting) ?? 120;
    const ticks = [];
    const start = new Date(from);
    for (let month = start.getUTCFullYear() * 12 + start.getUTCMonth(); ; month += 1) {
      const at = Date.UTC(Math.floor(month / 12), month % 12, 1);
      if (at >= to) break;
      if (at >= from && month % months === 0) ticks.push(at);
    }
    return { ticks, tick_format: months < 12 ? "%b %Y" : "%Y" };
  };
  const rateTicks = (drawn) => {
    const highest = Math.max(0.001, ...drawn.map(({ rate }) => rate ?? 0), ...figures.bounds.filter((value) => value !== null));
    const values = [0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];
    return values.slice(0, values.findIndex((value) => value >= highest) + 1); // the last one is the top of the axis
  };

  const coloured = (spec) => {
    const style = getComputedStyle(document.documentElement);
    const text = JSON.stringify(spec).replace(/"@([a-z0-9-]+)"/g, (_, name) => JSON.stringify(style.getPropertyValue(`--${name}`).trim()));
    return JSON.parse(text);
  };
  const config = () => coloured({
    background: "transparent",
    font: getComputedStyle(document.body).fontFamily,
    view: { stroke: null },
    aria: false,
    locale: { number: { decimal: ".", thousands: ",", grouping: [3], currency: ["", ""], percent: " %" } },
    axis: { labelColor: "@soft", titleColor: "@soft", titleFontWeight: "normal", domainColor: "@line", tickColor: "@line", gridColor: "@line", labelFontSize: 11, titleFontSize: 11, labelPadding: 6, titlePadding: 8 },
    axisY: { domain: false, ticks: false },
  });

  const datasetsOf = (node, found = new Set()) => {
    if (Array.isArray(node)) node.forEach((item) => datasetsOf(item, found));
    else if (node && typeof node === "object") {
      if (node.data && node.data.name) found.add(node.data.name);
      Object.values(node).forEach((item) => datasetsOf(item, found));
    }
    return found;
  };

  let shown = [];
  let turn = 0;
  const draw = async (from, to) => {
    const mine = ++turn;
    const data = datasets(from, to);
    const style = config();
    const views = [];
    for (const [id, spec] of Object.entries(specs)) {
      const element = document.getElementById(id);
      if (!element) continue;
      const sized = coloured(spec);
      const named = [...datasetsOf(spec)].filter((name) => name in data).map((name) => [name, data[name]]);
      sized.datasets = { ...spec.datasets, ...Object.fromEntries(named) };
      let width = element.clientWidth - 70;
      if (id === "calendar") {
        const room = element.parentElement.clientWidth - (phone.matches ? 58 : 24);
        const cell = Math.max(9, Math.min(26, room / data.buckets));
        width = Math.floor(cell * data.buckets);
        sized.width = width;
        sized.height = rowHeight() * rows;
        labels.style.setProperty("--row", `${rowHeight()}px`);
        [...labels.children].forEach((label, row) => { label.hidden = row >= rows; });
        sized.padding = { left: phone.matches ? 12 : 2, right: 22, top: 0, bottom: 4 };
      } else {
        sized.padding = { left: 0, right: 14, top: 6, bottom: 4 };
        sized.autosize = { type: "fit-x", contains: "padding" };
      }
      const values = { ...ticksFor(from, to, width), rate_ticks: rateTicks([...data.days, ...data.spans]), shown_from: from, shown_to: to, calendar_rows: rows };
      sized.params = [...(spec.params ?? []), ...Object.entries(values).map(([name, value]) => ({ name, value }))];
      const result = await vegaEmbed(element, sized, { actions: false, renderer: "svg", config: style, tooltip: { theme: "custom" } });
      if (mine !== turn) { result.finalize(); return; }
      result.view.addEventListener("click", (event, item) => {
        if (item && item.datum && item.datum.opens !== undefined) window.openDay(item.datum.opens);
      });
      if (id === "calendar") element.parentElement.scrollLeft = element.parentElement.scrollWidth;
      views.push(result);
    }
    shown.forEach((view) => view.finalize());
    shown = views;
    document.documentElement.dataset.drawn = "yes";
  };

  const range = document.getElementById("range");
  const earlier = document.getElementById("earlier");
  const later = document.getElementById("later");
  let end = last + dayMs;
  const redraw = () => {
    const length = Number(range.value) || span;
    const from = Math.max(first, end - length * dayMs);
    const to = Math.min(last + dayMs, Math.max(end, from + dayMs));
    earlier.disabled = from <= first;
    later.disabled = to > last;
    const unit = { day: "", week: ", seven days a bar", month: ", a month a bar" }[unitFor((to - from) / dayMs)];
    document.getElementById("shown").textContent = `${dayName(from)} to ${dayName(to - dayMs)}${unit}`;
    draw(from, to);
  };
  const move = (direction) => {
    const length = (Number(range.value) || span) * dayMs;
    end = Math.min(last + dayMs, Math.max(first + length, end + direction * length));
    redraw();
  };
  [...range.options].forEach((option) => { if (Number(option.value) >= span) option.remove(); });
  const usual = phone.matches ? "30" : span <= 120 ? "0" : "90";
  range.value = [...range.options].some((option) => option.value === usual) ? usual : "0";
  range.form.hidden = range.options.length < 2;
  range.addEventListener("change", () => { end = last + dayMs; redraw(); });
  range.form.addEventListener("submit", (event) => event.preventDefault());
  earlier.addEventListener("click", () => move(-1));
  later.addEventListener("click", () => move(1));
  if (toggle && troubled < every) {
    const say = () => { toggle.textContent = rows === every ? "Show only those that failed" : `Show the ${every - troubled} others, which passed or were not judged`; };
    toggle.hidden = false;
    toggle.addEventListener("click", () => { rows = rows === every ? troubled : every; say(); redraw(); });
    say();
  }
  dark.addEventListener("change", redraw);
  let width = innerWidth;
  let waiting = 0;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(redraw, 150);
  });
  redraw();
})();
