export default function Page() { return <div className="page"><h1>new_rule</h1></div>; }
