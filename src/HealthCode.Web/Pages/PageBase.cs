using Microsoft.AspNetCore.Components;

namespace HealthCode.Web.Pages;

/// <summary>What every page is given.</summary>
public abstract class PageBase : ComponentBase
{
    [Parameter, EditorRequired]
    public Texts T { get; set; } = Texts.Chinese;

    /// <summary>Its path, without language and slash.</summary>
    [Parameter]
    public string Path { get; set; } = "";

    /// <summary>A link to another page in the same language.</summary>
    protected string To(string path) => $"{T.Prefix}/{path}";
}
