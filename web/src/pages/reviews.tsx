export { default } from "../reviews/page";
