// Reads [{text, options}] from standard input, writes what markdown-it makes of each, as a JSON list of texts.
// The first argument is the folder of node modules.
const path = require('node:path');
const MarkdownIt = require(path.join(process.argv[2], 'markdown-it'));
const cases = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
const written = cases.map(({ text, options }) => {
  const reader = new MarkdownIt({
    html: options.html, breaks: options.breaks, linkify: options.linkify,
    typographer: options.typographer, quotes: options.quotes,
  });
  // markdown-it 15 no longer links addresses without a scheme unless told to; 14, which sites are written with, does.
  reader.linkify.set({ fuzzyLink: true, fuzzyEmail: true });
  if (!options.indented_code) reader.disable('code');
  return reader.render(text);
});
process.stdout.write(JSON.stringify(written));
