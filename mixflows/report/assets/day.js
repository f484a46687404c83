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
  const share = (value) => (value === null || value === undefined ? "" : `${Number((value * 100).toPrecision(3))} %`);
  const spoken = (day) => new Date(day + "T00:00:00Z").toLocaleDateString("en-GB", { timeZone: "UTC", weekday: "short", day: "numeric", month: "short", year: "numeric" }).replace(",", "");
  const table = (caption, head, rows) => {
    const made = element("table");
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
    const bar = element("div", null, { class: "bar" });
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
    bar.append(title, moves);
    const facts = element("p");
    facts.append(element("strong", states[column.state[n]]));
    if (told.why) facts.append(`; taken because: ${told.why.replaceAll("_", " ")}`);
    const took = column.took[n];
    if (took !== null) facts.append(`; took ${Number(took.toPrecision(2))} s${figures.rebuild ? `, ${share(took / figures.rebuild)} of what all days would` : ""}`);
    if (told.billed) facts.append(`; ${told.billed}`);
    const parts = [bar, facts];
    if (told.note) parts.push(element("p", told.note, { class: "told" }));
    parts.push(table("Figures", ["Source rows", "Kept", "Rejected", "Duplicates", "Duplicate rate"], [
      [number(column.source[n]), number(column.kept[n]) || "nothing published", number(column.rejected[n]), number(column.duplicates[n]), share(column.rate[n])],
    ]));
    if (told.keys) {
      const [duplicates, kept] = told.keys.map((rows) => rows.map(number));
      parts.push(table("Duplicates and kept rows under each key", ["Key", ...keys], [["Duplicates", ...duplicates], ["Kept", ...kept]]));
    }
    const judged = expectationsOf(n);
    if (judged.length) {
      parts.push(table("Expectations", ["Expectation", "Outcome", "Saw", "Warning", "Critical"], judged.map(([e, outcome]) => [
        e.name.replaceAll("_", " "), words[outcome], figures.texts[e.saw[n]], e.bounds[0], e.bounds[1],
      ])));
    }
    (told.samples ?? []).forEach(([event, reason, exact, later, same, differences], at) => {
      const how = exact === null ? reason : exact ? "exact copy of its winner" : "not like its winner";
      const after = later === null ? "" : `, ${number(Math.round(later / 1000))} s after it`;
      if (differences.length) parts.push(table(`Sample ${at + 1}, ${event}: ${how}${after}; ${same} properties alike`, ["Property", "Winner", "Rejected copy"], differences));
      else parts.push(element("p", `Sample ${at + 1}, ${event}: ${how}${after}${exact === null ? "" : `; ${same} properties alike`}`, { class: "told" }));
    });
    if ((told.history ?? []).length) {
      const head = ["Run", "Ended", "How", "Taken because", "Source rows", "Rejected", "Late", "Duplicate rate", "Note"];
      parts.push(table("Runs that took it: the first that published it, and the latest nine", head, told.history.map(
        ([run, ended, status, why, rows, rejected, late, rate, note]) =>
          [runLink(run), element("td", ended, { class: "whole" }), status, why.replaceAll("_", " "), number(rows), number(rejected), number(late), share(rate), note],
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
