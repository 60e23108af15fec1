// What can be told of a page by looking at it as a browser draws it: its boxes, its names, and whether its words and strokes can
// be seen against what is behind them (WCAG 2.2, 1.4.3 and 1.4.11).
(() => {
  const rgb = (c) => {
    const m = c.match(/rgba?\(([^)]+)\)/);
    if (!m) return null;
    const [r, g, b, a] = m[1].split(/[,\s/]+/).map(Number);
    return { r, g, b, a: a === undefined ? 1 : a };
  };
  const light = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((v) => {
      v /= 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ratio = (a, b) => {
    const [hi, lo] = [light(a), light(b)].sort((x, y) => y - x);
    return (hi + 0.05) / (lo + 0.05);
  };
  const ground = (el) => {
    for (let e = el; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c && c.a === 1) return c;
    }
    return { r: 255, g: 255, b: 255, a: 1 };
  };
  const box = (el) => {
    const b = el.getBoundingClientRect();
    return { x: b.x, y: b.y, w: b.width, h: b.height };
  };
  const inside = (a, b) => a.x + a.w / 2 >= b.x && a.x + a.w / 2 <= b.x + b.w && a.y + a.h / 2 >= b.y && a.y + a.h / 2 <= b.y + b.h;
  const faint = [];
  const judge = (what, fore, back, least) => {
    if (!fore) return;
    const r = ratio(fore, back);
    if (r < least) faint.push(`${what}: ${r.toFixed(2)} (${JSON.stringify(fore)} on ${JSON.stringify(back)})`);
  };
  let words = 0;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walk.nextNode(); n; n = walk.nextNode()) {
    const el = n.parentElement;
    if (!n.data.trim() || ['STYLE', 'SCRIPT'].includes(el.tagName)) continue;
    const style = getComputedStyle(el);
    if (style.display === 'none' || style.visibility === 'hidden') continue;
    words += 1;
    const sample = n.data.trim().slice(0, 40);
    if (el instanceof SVGElement) {
      const here = box(el);
      const rect = [...el.ownerSVGElement.querySelectorAll('rect')].find((r) => inside(here, box(r)));
      const back = rect ? rgb(getComputedStyle(rect).fill) : ground(el);
      judge(`text "${sample}"`, rgb(style.fill), back, 4.5);
    } else {
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      judge(`"${sample}"`, rgb(style.color), ground(el), large ? 3 : 4.5);
    }
  }
  for (const p of document.querySelectorAll('svg path')) {
    judge(`line ${p.getAttribute('class')}`, rgb(getComputedStyle(p).stroke), ground(p), 3);
  }
  for (const r of document.querySelectorAll('svg rect')) {
    judge(`band ${r.getAttribute('class')}`, rgb(getComputedStyle(r).fill), ground(r), 3);
  }
  return {
    lang: document.documentElement.lang,
    title: document.title,
    headings: [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map((h) => Number(h.tagName[1])),
    heads: document.querySelectorAll('th').length,
    unscoped: document.querySelectorAll('th:not([scope])').length,
    tables: [...document.querySelectorAll('table')].map((t) => ({ ...box(t), rows: t.tBodies[0].rows.length, of: t.getAttribute('aria-labelledby') })),
    charts: [...document.querySelectorAll('svg')].map((s) => ({
      ...box(s),
      role: s.getAttribute('role'),
      lines: [...s.querySelectorAll('path')].map((p) => p.getTotalLength()),
      bands: s.querySelectorAll('rect').length,
    })),
    scripts: document.scripts.length,
    wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    words,
    ground: ground(document.body),
    faint,
  };
})()
