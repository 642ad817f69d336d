export default function Page() { return <div className="page"><h1>refused_rules</h1></div>; }
