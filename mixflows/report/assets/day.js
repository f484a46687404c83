(() => {
  "use strict";
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const figures = read("figures-data");
  const pages = read("day-pages");
  const page = document.getElementById("day-page");
  const days = figures.days.day;
  const words = { p: "passed", n: "not judged", w: "warning", f: "failed" };
  const keys = ["insert_id_time", "mixpanel", "mixpanel_day"];
  const states = { published: "published", warned: "published, with warning", blocked: "blocked", failed: "failed", waiting: "not yet taken" };
  let opener = null;

  const element = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    if (text !== undefined && text !== null) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const number = (value) => (value === null || value === undefined ? "" : value.toLocaleString("en-GB"));
  const share = (value) => (value === null || value === undefined ? "" : value > 0 && value < 0.00005 ? "< 0.01 %" : `${(value * 100).toFixed(2)} %`);
  const words_of = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
  const spoken = (day) => new Date(day + "T00:00:00Z").toLocaleDateString("en-GB", { timeZone: "UTC", weekday: "short", day: "numeric", month: "short", year: "numeric" }).replace(",", "");
  const table = (caption, head, rows, kind = "") => {
    const made = element("table", null, { class: kind });
    made.append(element("caption", caption));
    const line = element("tr");
    head.forEach((name) => line.append(element("th", name, { scope: "col" })));
    const top = element("thead");
    top.append(line);
    const body = element("tbody");
    rows.forEach(([first, ...others]) => {
      const row = element("tr");
      const head = element("th", null, { scope: "row" });
      head.append(first);
      row.append(head);
      others.forEach((cell) => row.append(cell instanceof Node ? cell : element("td", cell)));
      body.append(row);
    });
    made.append(top, body);
    const scroll = element("div", null, { class: "scroll", tabindex: "0", role: "region", "aria-label": caption });
    scroll.append(made);
    return scroll;
  };

  // A command or a statement, with a button that copies it.
  const copyable = (pre) => {
    const button = element("button", "Copy", { type: "button", class: "copy" });
    button.addEventListener("click", async () => {
      const text = pre.querySelector("code").textContent;
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        const range = document.createRange();
        range.selectNodeContents(pre.querySelector("code"));
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        document.execCommand("copy");
      }
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    pre.append(button);
    return pre;
  };
  const command = (line) => {
    const pre = element("pre", null, { class: "command" });
    const code = element("code");
    // Words stay whole; a statement of several lines is laid out already.
    if (line.includes("\n")) code.textContent = line;
    else line.split(" ").forEach((word, n) => code.append(n ? " " : "", element("span", word)));
    pre.append(code);
    return copyable(pre);
  };
  document.querySelectorAll("pre.command").forEach(copyable);

  const WORTH_A_COLUMN = 0.005;
  // Each part of a day as a table; hours as bars over the day.
  const count = (item, kind) => item[2 + kind] ?? 0;
  const total = (items, kind) => items.reduce((sum, item) => sum + (kind < 0 ? item[1] : count(item, kind)), 0);
  const bar = (value) => {
    const cell = element("td", null, { class: "number share" });
    if (value !== null) cell.append(element("i", null, { style: `width: ${(value * 100).toFixed(1)}%`, "aria-hidden": "true" }), element("span", share(value)));
    return cell;
  };
  const counted = (value) => element("td", number(value), { class: "number" });
  const partTable = (part, items) => {
    const duplicates = total(items, 0);
    const hasRows = total(items, -1) > 0;
    const others = pages.kinds.map((_, kind) => kind).slice(1).filter((kind) => total(items, kind) > WORTH_A_COLUMN * total(items, -1));
    const label = pages.parts[part] ?? part;
    const isRest = (item) => pages.names[item[0]] === "(others)";
    if (part !== "hour") items = items.toSorted((a, b) => isRest(a) - isRest(b) || count(b, 0) - count(a, 0) || b[1] - a[1]);
    const head = [label.charAt(0).toUpperCase() + label.slice(1), ...(hasRows ? ["Rows"] : []), "Duplicates", ...(hasRows ? ["Duplicate rate"] : []), "Of all duplicates", ...others.map((kind) => pages.kinds[kind])];
    const made = table(`By ${label}`, head, items.map((item) => [
      pages.names[item[0]], ...(hasRows ? [counted(item[1])] : []), counted(count(item, 0)),
      ...(hasRows ? [element("td", item[1] ? share(count(item, 0) / item[1]) : "", { class: "number" })] : []),
      bar(duplicates ? count(item, 0) / duplicates : null), ...others.map((kind) => counted(count(item, kind))),
    ]));
    made.querySelectorAll("thead th:not(:first-child)").forEach((cell) => cell.classList.add("number"));
    made.querySelector("caption").className = "unseen";
    return made;
  };
  const hourBars = (items) => {
    const made = element("figure", null, { class: "hours" });
    const highest = Math.max(1, ...items.map((item) => item[1]));
    const worst = Math.max(1, ...items.map((item) => count(item, 0)));
    const bars = element("div", null, { class: "bars", role: "img", "aria-label": "Rows and duplicates by hour; the table below has the figures." });
    items.forEach((item) => {
      const column = element("span", null, { title: `${pages.names[item[0]]}: ${number(item[1])} rows, ${number(count(item, 0))} duplicates` });
      column.append(
        element("i", null, { class: "rows", style: `height: ${(100 * item[1] / highest).toFixed(1)}%` }),
        element("i", null, { class: "copies", style: `height: ${(100 * count(item, 0) / worst).toFixed(1)}%` }),
      );
      bars.append(column);
    });
    const ends = element("div", null, { class: "ends" });
    ends.append(element("span", pages.names[items[0][0]]), element("span", pages.names[items[items.length - 1][0]]));
    const keys = element("figcaption");
    keys.append(element("i", null, { class: "tile rows" }), `rows, at most ${number(highest)} an hour `, element("i", null, { class: "tile copies" }), `duplicates, at most ${number(worst)} an hour, on a scale of their own`);
    made.append(element("h4", "By hour"), bars, ends, keys);
    return made;
  };
  const folded = (title, ...content) => {
    const made = element("details");
    made.append(element("summary", title), ...content);
    return made;
  };
  const sampleOf = ([event, reason, exact, later, same, differences, id, time], day) => {
    const how = exact === null ? reason : exact ? "exact copy of its winner" : "other content than its winner";
    const after = later === null ? "" : `, ${number(Math.round(later / 1000))} s after it`;
    const made = element("li");
    const head = element("p");
    head.append(element("strong", event), ` ${how}${after}${exact === null ? "" : `; ${same} properties alike`}`);
    if (time) head.append(element("span", ` at ${time.replace("T", " ").replace("+00:00", " UTC")}`, { class: "soft" }));
    made.append(head);
    if (differences.length) made.append(table("What differs", ["Property", "Winner", "Rejected copy"], differences));
    if (id) made.append(command(pages.explain.replace("DAY", day).replace("ID", () => /^[\w.:-]+$/.test(id) ? id : `'${id.replaceAll("'", "'\\''")}'`)));
    return made;
  };

  const runLink = (run) => {
    const code = element("code", run.slice(0, 8), { title: run });
    if (!pages.prefect_ui) return code;
    const link = element("a", null, { href: `${pages.prefect_ui}/runs/flow-run/${run}`, rel: "noreferrer" });
    link.append(code);
    return link;
  };
  const expectationsOf = (n) => figures.expectations
    .map((e) => [e, e.outcomes[n]])
    .filter(([, outcome]) => outcome !== "-")
    .sort(([, a], [, b]) => "fwnp".indexOf(a) - "fwnp".indexOf(b));

  const show = (n) => {
    const told = pages.days[n];
    const column = figures.days;
    const title = element("h2", spoken(days[n]), { id: "day-title", tabindex: "-1" });
    const top = element("div", null, { class: "bar" });
    const moves = element("div", null, { class: "range" });
    [[n - 1, "Day before"], [n + 1, "Day after"]].forEach(([to, label]) => {
      const button = element("button", label, { type: "button" });
      button.disabled = to < 0 || to >= days.length;
      button.addEventListener("click", () => go(to));
      moves.append(button);
    });
    const close = element("button", "Close", { type: "button" });
    close.addEventListener("click", hide);
    moves.append(close);
    top.append(title, moves);
    const facts = element("p");
    facts.append(element("strong", states[column.state[n]]));
    if (told.why) facts.append(`; plan reason: ${told.why.replaceAll("_", " ")}`);
    const took = column.took[n];
    if (took !== null) facts.append(`; ${took.toFixed(2)} s${figures.rebuild ? ` (${share(took / figures.rebuild)} of a full rebuild)` : ""}`);
    if (told.billed) facts.append(`; ${told.billed}`);
    const parts = [top, facts];
    if (told.reason) parts.push(element("p", `${told.reason.charAt(0).toUpperCase()}${told.reason.slice(1).replaceAll(" %", "\u00a0%")}.`, { class: "why" }));
    (told.commands ?? []).forEach((line) => parts.push(line.startsWith("or ") ? element("p", `O${line.slice(1)}.`, { class: "soft" }) : command(line)));
    if (told.note && told.note !== told.reason) parts.push(element("p", told.note, { class: "told" }));
    parts.push(table("Figures", ["Source rows", "Kept", "Rejected", "Duplicates", "Duplicate rate"], [
      [number(column.source[n]), number(column.kept[n]) || "nothing published", number(column.rejected[n]), number(column.duplicates[n]), share(column.rate[n])],
    ], "small"));
    if (told.breakdown) {
      const { hour, ...others } = told.breakdown;
      parts.push(element("h3", "Where its rows come from"));
      const grid = element("div", null, { class: "columns" });
      Object.entries(others).forEach(([part, items]) => grid.append(partTable(part, items)));
      if (hour) grid.append(hourBars(hour));
      parts.push(grid);
      if (hour) parts.push(folded("Figures by hour", partTable("hour", hour)));
    }
    if ((told.samples ?? []).length) {
      const list = element("ul", null, { class: "samples" });
      told.samples.forEach((sample) => list.append(sampleOf(sample, days[n])));
      parts.push(element("h3", "Samples of rejected copies"), list);
    }
    const sql = told.sql ?? (column.rejected[n] ? pages.rejected_sql.replaceAll(pages.any_day, days[n]) : "");
    if (sql) parts.push(folded(told.sql ? "SQL that selects the rows a run would reject, from the source" : "SQL that selects its rejected rows", command(sql)));
    const judged = expectationsOf(n);
    if (judged.length) {
      const rows = judged.map(([e, outcome]) => [words_of(e.name), words[outcome], figures.texts[e.saw[n]], e.bounds[0], e.bounds[1]]);
      const failed = judged.filter(([, outcome]) => outcome === "f" || outcome === "w").length;
      const head = ["Expectation", "Outcome", "Saw", "Warning", "Critical"];
      parts.push(element("h3", "Expectations"));
      if (failed) parts.push(table("Failed", head, rows.slice(0, failed)));
      if (failed < rows.length) parts.push(folded(`${rows.length - failed} passed or were not judged`, table("Passed or not judged", head, rows.slice(failed))));
    }
    if (told.keys) {
      const [duplicates, kept] = told.keys.map((rows) => rows.map(number));
      parts.push(table("Duplicates and kept rows under each key", ["Key", ...keys], [["Duplicates", ...duplicates], ["Kept", ...kept]], "small"));
    }
    if ((told.history ?? []).length) {
      const head = ["Run", "Ended", "How", "Taken because", "Source rows", "Rejected", "Late", "Duplicate rate", "Note"];
      parts.push(table("Run history (first publish and last 9 runs)", head, told.history.map(
        ([run, ended, status, why, rows, rejected, late, rate, note]) =>
          [runLink(run), element("td", ended, { class: "whole" }), status, why.replaceAll("_", " "), number(rows), number(rejected), number(late), share(rate), element("td", note, { class: "note" })],
      )));
    }
    page.replaceChildren(...parts);
    page.hidden = false;
    title.focus({ preventScroll: true });
    page.scrollIntoView({ block: "start" });
  };

  const hide = () => {
    page.hidden = true;
    history.replaceState(null, "", location.pathname + location.search);
    if (opener) opener.focus();
    opener = null;
  };
  const go = (n) => {
    opener = opener ?? (document.activeElement === document.body ? null : document.activeElement);
    history.replaceState(null, "", `#day-${days[n]}`);
    show(n);
  };
  window.openDay = (milliseconds) => {
    const n = days.indexOf(new Date(milliseconds).toISOString().slice(0, 10));
    if (n >= 0) go(n);
  };
  const follow = () => {
    const n = days.indexOf(location.hash.replace("#day-", ""));
    if (n >= 0) show(n);
  };
  addEventListener("hashchange", follow);
  addEventListener("keydown", (event) => { if (event.key === "Escape" && !page.hidden) hide(); });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#day-']");
    if (!link) return;
    event.preventDefault();
    opener = link;
    go(days.indexOf(link.getAttribute("href").replace("#day-", "")));
  });
  follow();
})();
