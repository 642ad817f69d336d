export default function Page() { return <div className="page"><h1>rules</h1></div>; }
