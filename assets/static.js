/* The Dash component of dashboard/layout/static.py: an element with ready HTML in it. */
(function (root) {
  "use strict";

  root.reclaim_lab = {
    Static: ({ tag, attributes, html }) => root.React.createElement(
      tag, { ...attributes, dangerouslySetInnerHTML: { __html: html } }),
  };
})(window);
