module.exports = {
  tags: ["posts"],
  layout: "layouts/post.njk",
  permalink: function ({ page }) {
    return `/actualites/${page.fileSlug}/`;
  },
};
