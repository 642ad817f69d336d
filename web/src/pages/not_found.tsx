import { Link } from "react-router-dom";
import { Empty } from "../ui/states";

export default function NotFound() {
  return <div className="page"><h1 className="visually-hidden">Not found</h1><Empty title="There is no such page"><p>The link may be old. <Link to="/findings">To the findings</Link></p></Empty></div>;
}
