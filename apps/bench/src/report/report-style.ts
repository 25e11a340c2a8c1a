/** How the report looks, in both colour schemes. Nothing in it is fetched: fonts are the reader's own. */
export const REPORT_STYLE = `
:root {
  color-scheme: light dark;
  --page: light-dark(#f7f7f5, #131312); --card: light-dark(#ffffff, #1c1c1b);
  --ink: light-dark(#141413, #f4f4f2); --soft: light-dark(#5b5a56, #b4b3ad); --faint: light-dark(#8a8983, #85847e);
  --line: light-dark(#e4e3df, #31312f); --axis: light-dark(#b9b8b2, #4c4b48);
  --good: light-dark(#0a7a2f, #4cc26f); --bad: light-dark(#b3261e, #ff8a80);
  --c1: light-dark(#2a78d6, #3987e5); --c2: light-dark(#eb6834, #d95926); --c3: light-dark(#1baf7a, #199e70);
  --c4: light-dark(#eda100, #c98500); --c5: light-dark(#4a3aa7, #9085e9); --c6: light-dark(#e87ba4, #d55181);
  --c7: light-dark(#008300, #22a522); --c8: light-dark(#e34948, #e66767);
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -0.01em; }
h2 { font-size: 19px; margin: 44px 0 4px; line-height: 1.3; }
h2 .id { color: var(--faint); font-weight: 500; margin-right: 8px; }
p { margin: 4px 0 12px; max-width: 80ch; }
.soft, .notes { color: var(--soft); }
.notes { margin: 4px 0 12px; padding-left: 18px; max-width: 90ch; font-size: 14px; }
.facts { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 12px 0 24px; padding: 0; list-style: none; color: var(--soft); font-size: 14px; }
.facts b { color: var(--ink); font-weight: 600; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 9px 14px; text-align: right; border-top: 1px solid var(--line); white-space: nowrap; }
tr:first-child > * { border-top: 0; }
th { color: var(--soft); font-weight: 500; font-size: 13px; }
td.text { text-align: left; white-space: normal; min-width: 220px; }
td .range { display: block; color: var(--faint); font-size: 12px; }
td a { color: inherit; text-decoration-color: var(--axis); text-underline-offset: 3px; }
.met { color: var(--good); font-weight: 600; } .missed { color: var(--bad); font-weight: 600; }
table.small { margin-top: 4px; font-size: 13px; } table.small th, table.small td { padding: 3px 6px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 14px; }
figure { margin: 0; padding: 14px 16px 8px; background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow-x: auto; }
figcaption { display: flex; gap: 10px; align-items: baseline; } figcaption b { font-weight: 600; font-size: 14px; }
.unit { color: var(--faint); font-size: 13px; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 4px 0 0; padding: 0; list-style: none; font-size: 13px; color: var(--soft); }
.legend i { display: inline-block; width: 16px; margin-right: 6px; border-top: 3px solid var(--c); vertical-align: middle; }
.legend i.dashed { border-top-style: dotted; } .legend i.block { width: 11px; height: 11px; border: 0; border-radius: 3px; background: var(--c); vertical-align: -1px; }
svg { display: block; width: 100%; height: auto; margin-top: 6px; }
.grid { stroke: var(--line); } .axis { stroke: var(--axis); }
.tick { fill: var(--faint); font-size: 12px; font-variant-numeric: tabular-nums; } .label { fill: var(--soft); font-size: 13px; }
.line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.line.dashed { stroke-dasharray: 1 5; }
.area { fill: var(--c); fill-opacity: 0.12; stroke: none; }
circle.mark { fill: var(--c); stroke: var(--card); stroke-width: 2; } rect.block { fill: var(--c); stroke: var(--card); stroke-width: 1.5; }
.c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); } .c4 { --c: var(--c4); }
.c5 { --c: var(--c5); } .c6 { --c: var(--c6); } .c7 { --c: var(--c7); } .c8 { --c: var(--c8); }
`;
