const markdownIt = require("markdown-it");

module.exports = function (eleventyConfig) {
  eleventyConfig.addPassthroughCopy({ "./public/": "/", "./node_modules/x/dist": "/x" });
  eleventyConfig.setLibrary("md", markdownIt({
    html: true,
    breaks: true,
    linkify: true,
    typographer: true,
    quotes: ['«\xA0', '\xA0»', '‹\xA0', '\xA0›'],
  }).disable("code"));
  eleventyConfig.addShortcode("badge", (label) => `<strong class="badge">${label}</strong>`);
  eleventyConfig.addPairedShortcode("box", function (content, title) {
    return `<blockquote>
      <p><strong>${title}</strong></p>
      ${content}
    </blockquote>`;
  });
  eleventyConfig.addShortcode("year", () => `${new Date().getFullYear()}`);
  return { dir: { input: ".", includes: "_includes", data: "_data", output: "_site" } };
};
