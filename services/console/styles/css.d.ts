/** Stylesheets that a file imports for what they do. */
declare module "*.css";
