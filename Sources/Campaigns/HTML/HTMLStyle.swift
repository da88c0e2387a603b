// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The style sheet of HTML reports.
enum HTMLStyle {
  static let sheet: Markup = """

    :root {
      color-scheme: light dark;
      --page: #f6f7f9; --card: #ffffff; --text: #1a2230; --quiet: #526074; --line: #d9dfe7;
      --held: #0b6b3a; --held-soft: #e2f4e9; --broken: #b3161d; --broken-soft: #fdeaea;
      --idle-soft: #eceff3; --accent: #2b5fc7; --track: #e3e8ef; --code: #f1f4f8;
      --heat-wrong: #d0312d; --heat-field: #d9dfe7; --heat-text: #526074;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --page: #10151d; --card: #18202b; --text: #e7ecf3; --quiet: #a3b0c2; --line: #2d3847;
        --held: #62d394; --held-soft: #143524; --broken: #ff8f8f; --broken-soft: #401c20;
        --idle-soft: #263140; --accent: #7ba7ff; --track: #2a3543; --code: #121923;
        --heat-wrong: #ff8080; --heat-field: #2d3847; --heat-text: #a3b0c2;
      }
    }
    * { box-sizing: border-box; }
    body {
      margin: 0; background: var(--page); color: var(--text);
      font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
    }
    main { max-width: 70rem; margin: 0 auto; padding: 1.5rem 1.25rem 3rem;
      overflow-wrap: break-word; }
    h1, h2, h3, h4 { line-height: 1.25; margin: 0; }
    h1 { font-size: 1.75rem; }
    h2 { font-size: 1.3rem; margin: 2.25rem 0 .75rem; }
    h3 { font-size: 1.05rem; margin: 1.25rem 0 .5rem; }
    h4 { font-size: .95rem; margin: 1.25rem 0 .4rem; }
    p { margin: .4rem 0; }
    code, pre {
      font-family: ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace;
      font-size: .875rem;
    }
    pre {
      margin: .5rem 0; padding: .75rem .9rem; overflow-x: auto; background: var(--code);
      border: 1px solid var(--line); border-radius: .5rem; line-height: 1.45;
    }
    pre.command { white-space: pre-wrap; overflow-wrap: anywhere; }
    :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
    header {
      padding: 1.4rem 1.5rem; background: var(--card); border: 1px solid var(--line);
      border-left: .4rem solid var(--held); border-radius: .75rem;
    }
    header.broken { border-left-color: var(--broken); }
    header .tool { margin: 0 0 .35rem; color: var(--quiet); font-size: .9rem; }
    header .mark { color: var(--held); }
    header.broken .mark { color: var(--broken); }
    .tiles { display: flex; flex-wrap: wrap; gap: .6rem 2.2rem; margin: 1rem 0 0; }
    .tiles dt { color: var(--quiet); font-size: .85rem; }
    .tiles dd { margin: 0; font-size: 1.3rem; font-weight: 650; font-variant-numeric: tabular-nums; }
    .failure {
      margin: 0 0 1rem; padding: 1.1rem 1.4rem 1.2rem; background: var(--card);
      border: 1px solid var(--line); border-radius: .75rem;
    }
    .failure h3 { margin: 0 0 .6rem; font-weight: 600; }
    .failure h3 code { color: var(--broken); font-size: 1rem; margin-right: .4rem; }
    .diagnosis {
      margin: .5rem 0; padding: .65rem .9rem; background: var(--broken-soft);
      border-radius: .5rem; font-size: 1.05rem; font-weight: 550; overflow-wrap: anywhere;
    }
    .warning { font-weight: 600; }
    figure { margin: .75rem 0; }
    figure svg { max-width: 100%; height: auto; zoom: 1.5; }
    figcaption { color: var(--quiet); font-size: .9rem; }
    .facts { display: grid; gap: .3rem 1.5rem; margin: .5rem 0;
      grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); }
    .facts div { display: grid; grid-template-columns: 11rem 1fr; gap: .6rem;
      border-bottom: 1px solid var(--line); padding: .15rem 0; }
    .facts dt { color: var(--quiet); }
    .facts dd { margin: 0; overflow-wrap: anywhere; }
    details { margin: .6rem 0; }
    summary { cursor: pointer; color: var(--accent); }
    ul { margin: .4rem 0; padding-left: 1.25rem; }
    .scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line);
      border-radius: .75rem; }
    table { border-collapse: collapse; width: 100%; }
    caption { text-align: left; color: var(--quiet); font-size: .9rem; padding: .7rem 1rem; }
    th { text-align: left; font-weight: 600; }
    thead th { font-size: .85rem; color: var(--quiet); white-space: nowrap; }
    .scroll th, .scroll td { padding: .5rem 1rem; border-top: 1px solid var(--line);
      vertical-align: top; }
    .statement { display: block; color: var(--quiet); font-weight: 400; font-size: .9rem; }
    .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
    .badge { padding: .1rem .6rem; border-radius: 1rem; font-size: .85rem; font-weight: 600;
      white-space: nowrap; background: var(--idle-soft); color: var(--quiet); }
    .badge.held { background: var(--held-soft); color: var(--held); }
    .badge.broken { background: var(--broken-soft); color: var(--broken); }
    .shares { list-style: none; margin: .75rem 0; padding: 0; display: grid; gap: .9rem;
      grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); }
    .shares li { display: grid; grid-template-columns: 1fr auto; gap: .15rem .5rem;
      padding: .9rem 1.1rem; background: var(--card); border: 1px solid var(--line);
      border-radius: .75rem; }
    .shares .number { font-size: 1.15rem; font-weight: 650; }
    .shares .name { align-self: end; }
    .shares .bar, .shares .of { grid-column: 1 / -1; }
    .shares .of { color: var(--quiet); font-size: .9rem; }
    .bar { display: block; height: .55rem; background: var(--track); border-radius: 1rem;
      overflow: hidden; }
    .bar span { display: block; height: 100%; background: var(--accent); border-radius: 1rem; }
    .bar.full span { background: var(--held); }
    .axes { columns: 19rem; column-gap: .9rem; }
    .axes div { break-inside: avoid; margin: 0 0 .9rem; padding: .7rem 1rem .8rem;
      background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
    .axes caption { color: var(--text); font-weight: 600; padding: 0 0 .3rem;
      font-size: .95rem; }
    .axes th { font-weight: 400; font-size: .9rem; padding: .1rem .6rem .1rem 0; }
    .axes td { font-size: .9rem; padding: .1rem 0; }
    .axes .graph { width: 38%; padding-left: .6rem; }
    .axes .missed th, .axes .missed td { color: var(--broken); font-weight: 600; }
    .note { display: block; color: var(--text); font-weight: 400; font-size: .9rem; }
    .scroll td.graph { min-width: 9rem; width: 25%; padding-top: .95rem; }
    .wrong { color: var(--broken); font-weight: 650; }
    figure svg text { fill: var(--text); font: 12px system-ui, "Liberation Sans", sans-serif; }
    .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
      white-space: nowrap; }
    footer { color: var(--quiet); font-size: .9rem; margin-top: 2rem; }
    @media (max-width: 40rem) {
      main { padding: .75rem .6rem 2rem; }
      h1 { font-size: 1.35rem; }
      header, .failure { padding: 1rem; }
      .tiles { gap: .6rem 1.4rem; }
      .scroll thead { position: absolute; width: 1px; height: 1px; overflow: hidden;
        clip-path: inset(50%); }
      .scroll table, .scroll caption, .scroll tbody { display: block; }
      .scroll tr { display: flex; flex-wrap: wrap; gap: .2rem 1rem; padding: .6rem .9rem;
        border-top: 1px solid var(--line); font-size: .9rem; }
      .scroll th, .scroll td { padding: 0; border: 0; }
      .scroll th { flex: 1 0 100%; }
      .scroll td[data-label]::after { content: " " attr(data-label); color: var(--quiet); }
    }
    @media print {
      body { background: none; }
      .failure, .axes div, .shares li { break-inside: avoid; }
    }

    """
}
